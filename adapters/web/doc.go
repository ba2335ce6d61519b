// Package web serves the pages that people work with in a browser: one handler per
// file, one table of routes that says who may see what, html/template pages, a style
// sheet and a few ES modules of our own. Every task works without JavaScript; the
// modules add what is live.
//
// A page never decides anything: it asks the same service as the API and shows the
// same refusals. All texts of contacts, files and segments are a stranger's, and reach
// a page only through html/template.
package web
