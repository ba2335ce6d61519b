package web

import (
	"net/url"
	"strconv"
)

// pages says where a page lies in its list, and how to get to its neighbours.
type pages struct {
	Number, Count int
	First, Last   int // of the items on this page, from 1
	Total         int
	Previous      string // address; empty: there is none
	Next          string
	ByName        bool // false: the newest are first

	query url.Values // the address's own, with the page
}

const maxPage = 1_000_000

func pageNumber(query url.Values) int {
	n, err := strconv.Atoi(query.Get("page"))
	if err != nil || n < 1 || n > maxPage {
		return 1
	}
	return n
}

// paginate describes a page of a list at an address with what else its query keeps.
func paginate(address string, kept url.Values, number, size, total int) pages {
	p := pages{Number: number, Count: (total + size - 1) / size, Total: total, First: (number-1)*size + 1, Last: min(number*size, total), query: url.Values{}}
	link := func(n int) string {
		query := url.Values{}
		for name, values := range kept {
			query[name] = values
		}
		if n > 1 {
			query.Set("page", strconv.Itoa(n))
		}
		if n == number {
			p.query = query
		}
		if len(query) == 0 {
			return address
		}
		return address + "?" + query.Encode()
	}
	link(number)
	if number > 1 {
		p.Previous = link(max(1, min(number-1, p.Count)))
	}
	if number < p.Count {
		p.Next = link(number + 1)
	}
	return p
}
