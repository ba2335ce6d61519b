package api

import (
	"net/url"
	"strconv"
)

// PageQuery is how lists are asked for page by page. Like all that routes embed it
// is exported because huma passes over what is not.
type PageQuery struct {
	Page     int `query:"page" default:"1" minimum:"1" maximum:"1000000" doc:"Page, from 1."`
	PageSize int `query:"pageSize" default:"50" minimum:"1" maximum:"500" doc:"Items on a page."`
}

func (q PageQuery) offset() int { return (q.Page - 1) * q.PageSize }

// pagination says where a page lies in its list. Links are relative to the server.
type pagination struct {
	TotalRecord     int     `json:"totalRecord" doc:"Items in the whole list."`
	Page            int     `json:"page"`
	PageSize        int     `json:"pageSize"`
	ReturnedRecord  int     `json:"returnedRecord" doc:"Items on this page."`
	RemainingRecord int     `json:"remainingRecord" doc:"Items after this page."`
	First           *string `json:"first"`
	Next            *string `json:"next"`
	Last            *string `json:"last"`
	Previous        *string `json:"previous"`
}

// paginate describes a page of total items, returned of them on it. path is the
// list's own, with its other parameters in query.
func paginate(q PageQuery, total, returned int, path string, query url.Values) pagination {
	p := pagination{TotalRecord: total, Page: q.Page, PageSize: q.PageSize, ReturnedRecord: returned,
		RemainingRecord: max(0, total-q.offset()-returned)}
	pages := (total + q.PageSize - 1) / q.PageSize
	link := func(page int) *string {
		if page < 1 || page > pages {
			return nil
		}
		with := url.Values{}
		for name, values := range query {
			if values[0] != "" {
				with[name] = values
			}
		}
		with.Set("page", strconv.Itoa(page))
		with.Set("pageSize", strconv.Itoa(q.PageSize))
		to := path + "?" + with.Encode()
		return &to
	}
	p.First, p.Next, p.Last, p.Previous = link(1), link(q.Page+1), link(pages), link(min(q.Page-1, pages))
	return p
}

// linkHeader writes the links as RFC 8288 has them.
func (p pagination) linkHeader() string {
	header := ""
	for _, l := range []struct {
		rel string
		to  *string
	}{{"first", p.First}, {"prev", p.Previous}, {"next", p.Next}, {"last", p.Last}} {
		if l.to == nil {
			continue
		}
		if header != "" {
			header += ", "
		}
		header += "<" + *l.to + `>; rel="` + l.rel + `"`
	}
	return header
}
