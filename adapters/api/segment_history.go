package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"importledger/projections"
)

type segmentHistoryQuery struct {
	SegmentQuery
	Start string `query:"start" maxLength:"35" doc:"First day: Unix epoch in milliseconds, or an ISO 8601 date; 30 days when absent."`
	Stop  string `query:"stop" maxLength:"35" doc:"Last day, likewise; today when absent."`
}

type segmentHistory struct {
	History []segmentDay `json:"history" doc:"Each day since the segment was created, oldest first."`
}

type segmentDay struct {
	Date    int64 `json:"date" doc:"Midnight UTC, Unix epoch, milliseconds."`
	Added   int   `json:"added" doc:"Contacts that came in that day."`
	Removed int   `json:"removed" doc:"Contacts that left that day."`
	Change  int   `json:"change"`
	Current int   `json:"current" doc:"Contacts in it at the day's end."`
}

type segmentUsage struct {
	CampaignIDs  []string `json:"campaignIds"`
	BroadcastIDs []string `json:"broadcastIds"`
}

const (
	day            = 24 * time.Hour
	usualHistory   = 30 * day
	longestHistory = 3660 * day
)

func (a *API) addSegmentHistory() {
	missing := []int{http.StatusNotFound}
	register(a, operation{route: "GET /people/segments/{id}/history", id: "get-segment-history", tag: "Segments",
		summary: "Get how a segment grew and shrank, day by day", errors: missing}, a.segmentHistory)
	register(a, operation{route: "GET /people/segments/{id}/usage", id: "get-segment-usage", tag: "Segments",
		summary: "List what uses a segment", about: "There are no campaigns and broadcasts here, so the lists are empty.", errors: missing}, a.segmentUsage)
}

func (a *API) segmentHistory(ctx context.Context, in *segmentHistoryQuery) (*struct{ Body segmentHistory }, error) {
	s, err := a.segment(ctx, in.SegmentQuery)
	if err != nil {
		return nil, err
	}
	today := a.now().UTC().Truncate(day)
	asked, err := readDay("stop", in.Stop, today)
	if err != nil {
		return nil, err
	}
	// After today and before the segment was created there is nothing to tell.
	stop := asked
	if stop.After(today) {
		stop = today
	}
	start, err := readDay("start", in.Start, stop.Add(day-usualHistory))
	if err != nil {
		return nil, err
	}
	if start.After(asked) {
		return nil, wrongDay("start", "The first day is after the last one.")
	}
	if created := time.UnixMilli(s.CreatedAt).UTC().Truncate(day); start.Before(created) {
		start = created
	}
	if stop.Sub(start) > longestHistory {
		return nil, wrongDay("start", "Ask for at most ten years at a time.")
	}
	out := segmentHistory{History: []segmentDay{}}
	days, err := projections.SegmentHistory(ctx, a.db, s.ID, start, stop)
	for _, d := range days {
		out.History = append(out.History, segmentDay{Date: d.Day.UnixMilli(), Added: d.Added, Removed: d.Removed, Change: d.Added - d.Removed, Current: d.Current})
	}
	return &struct{ Body segmentHistory }{out}, err
}

// readDay reads a day as clients write it.
func readDay(field, text string, absent time.Time) (time.Time, error) {
	if text == "" {
		return absent, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms >= 0 && ms < 1<<53 {
		return time.UnixMilli(ms).UTC().Truncate(day), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC().Truncate(day), nil
		}
	}
	return time.Time{}, wrongDay(field, "A day is Unix epoch in milliseconds, or an ISO 8601 date such as 2026-11-24.")
}

func wrongDay(field, message string) error {
	return answer(http.StatusUnprocessableEntity, "day-invalid", message, faultDetail{Field: field, Code: "day-invalid", Message: message})
}

func (a *API) segmentUsage(ctx context.Context, in *SegmentQuery) (*struct{ Body segmentUsage }, error) {
	if _, err := a.segment(ctx, *in); err != nil {
		return nil, err
	}
	return &struct{ Body segmentUsage }{segmentUsage{[]string{}, []string{}}}, nil
}
