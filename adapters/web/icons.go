package web

import (
	"fmt"
	"html/template"
)

// shapes are our own icons on a grid of 16, drawn with strokes of the text's colour.
var shapes = map[string]string{
	"contacts":   `<circle cx="8" cy="5.25" r="2.75"/><path d="M2.75 13.5c.6-2.6 2.6-4 5.25-4s4.65 1.4 5.25 4"/>`,
	"segments":   `<circle cx="6" cy="8" r="4"/><circle cx="10" cy="8" r="4"/>`,
	"attributes": `<path d="M2.5 4h11M2.5 8h7M2.5 12h9"/><circle cx="12.5" cy="8" r="1"/>`,
	"imports":    `<path d="M8 2v7.5M4.75 6.5 8 9.75l3.25-3.25M2.5 11v1.5a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1V11"/>`,
	"connectors": `<path d="M6 2v3.5M10 2v3.5M4 5.5h8v2.25a4 4 0 0 1-8 0zM8 11.75V14"/>`,
	"webhooks":   `<circle cx="3.5" cy="11.5" r="1.75"/><circle cx="12.5" cy="11.5" r="1.75"/><circle cx="8" cy="3.75" r="1.75"/><path d="M5.25 11.5h5.5M7.1 5.3 4.4 10M8.9 5.3l2.7 4.7"/>`,
	"operations": `<path d="M1.75 8.5h3l2-5 3 9.5 2-4.5h2.5"/>`,
	"bell":       `<path d="M4 11V7a4 4 0 0 1 8 0v4l1 1.25H3zM6.75 14h2.5"/>`,
	"menu":       `<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>`,
	"plus":       `<path d="M8 3v10M3 8h10"/>`,
	"search":     `<circle cx="7" cy="7" r="4"/><path d="m10 10 3.5 3.5"/>`,
	"close":      `<path d="m4 4 8 8M12 4l-8 8"/>`,
	"back":       `<path d="M9.5 3.5 5 8l4.5 4.5"/>`,
	"next":       `<path d="M6.5 3.5 11 8l-4.5 4.5"/>`,
	"down":       `<path d="M8 2.5v8M4.75 7.5 8 10.75l3.25-3.25M3 13.5h10"/>`,
	"file":       `<path d="M4 1.75h5L12.25 5v9.25H4zM9 1.75V5h3.25"/>`,
	"history":    `<path d="M2.5 8a5.5 5.5 0 1 0 1.75-4L2.5 5.5M2.5 2.25V5.5h3.25M8 5v3.25l2.25 1.5"/>`,
	"user":       `<circle cx="8" cy="8" r="6.25"/><circle cx="8" cy="6.5" r="2"/><path d="M4.25 12.75C5 11 6.3 10.25 8 10.25s3 .75 3.75 2.5"/>`,
	"users":      `<circle cx="6" cy="5.5" r="2.5"/><path d="M1.5 13.25c.5-2.4 2.2-3.75 4.5-3.75s4 1.35 4.5 3.75M10.25 3.2a2.5 2.5 0 0 1 0 4.6M12 9.9c1.4.6 2.25 1.7 2.5 3.35"/>`,
	"audit":      `<path d="M8 1.75 13.25 3.5v4.25c0 3.1-2.1 5.4-5.25 6.5-3.15-1.1-5.25-3.4-5.25-6.5V3.5z"/><path d="m5.6 7.9 1.8 1.8 3-3.4"/>`,
	"copy":       `<rect x="5.5" y="5.5" width="8" height="8" rx="1"/><path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2"/>`,
	"warning":    `<path d="M8 2.25 14.25 13.5H1.75zM8 6.5v3.25"/><path d="M8 11.6v.1"/>`,
	"info":       `<circle cx="8" cy="8" r="6.25"/><path d="M8 7.25v4M8 4.8v.1"/>`,
	"idea":       `<path d="M5.75 10.25a4 4 0 1 1 4.5 0v1.5h-4.5zM6.5 14h3"/>`,
	"keyboard":   `<rect x="1.75" y="4" width="12.5" height="8" rx="1"/><path d="M4.5 6.75h.1M7 6.75h.1M9.5 6.75h.1M11.75 6.75h.1M5 9.5h6"/>`,
	"key":        `<circle cx="5.25" cy="10.75" r="2.75"/><path d="m7.25 8.75 6-6M11 5l1.75 1.75"/>`,
	"refresh":    `<path d="M13.5 8a5.5 5.5 0 1 1-1.75-4l1.75 1.5M13.5 2.25V5.5h-3.25"/>`,

	// The states of an import: each has a shape of its own, so that none is told by
	// its colour alone.
	"preparing": `<circle cx="8" cy="8" r="5.5" stroke-dasharray="2.2 2.12"/>`,
	"importing": `<circle cx="8" cy="8" r="5.5" opacity=".3"/><path class="spin" d="M8 2.5A5.5 5.5 0 0 1 13.5 8"/>`,
	"imported":  `<circle class="solid" cx="8" cy="8" r="6.25"/><path class="knock" d="m5.25 8.25 2 2 3.5-4"/>`,
	"canceled":  `<circle cx="8" cy="8" r="5.5"/><path d="M5.5 8h5"/>`,
	"failed":    `<path class="solid" d="M5.5 1.75h5l3.75 3.75v5l-3.75 3.75h-5L1.75 10.5v-5z"/><path class="knock" d="M8 5v3.5M8 10.9v.1"/>`,
}

// icon draws a shape. Icons stand beside words and say nothing of their own.
func icon(name string) (template.HTML, error) {
	shape, ok := shapes[name]
	if !ok {
		return "", fmt.Errorf("there is no icon %q", name)
	}
	return template.HTML(`<svg class="icon icon-` + name + `" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">` + shape + `</svg>`), nil //nolint:gosec // all of it is written above
}
