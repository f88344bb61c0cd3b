package fake

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

// limitMax is how many objects a list has at most, and limitUsual unless told.
const (
	limitMax   = 100
	limitUsual = 10
)

func limitOf(r *request) (limit int, problem *answer) {
	text := r.form.Get("limit")
	if text == "" {
		return limitUsual, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > limitMax {
		refused := failure(http.StatusBadRequest, "invalid_request_error", "parameter_invalid_integer", "limit", "limit must be 1 to 100")
		return 0, &refused
	}
	return limit, nil
}

// list returns a page of all intents, the newest first. The caller holds the lock.
func (f *Fake) list(r *request) answer {
	limit, problem := limitOf(r)
	if problem != nil {
		return *problem
	}
	from := len(f.intents)
	if after := r.form.Get("starting_after"); after != "" {
		if from = slices.IndexFunc(f.intents, func(i *intent) bool { return i.ID == after }); from < 0 {
			return failure(http.StatusBadRequest, "invalid_request_error", "resource_missing", "starting_after", "no such payment_intent")
		}
	}
	data := []any{}
	since, _ := strconv.ParseInt(r.form.Get("created[gte]"), 10, 64) // 0 for none
	for from--; from >= 0 && len(data) < limit && f.intents[from].Created >= since; from-- {
		data = append(data, f.intents[from].show(r.form.Get("expand[0]") == "data.latest_charge.refunds"))
	}
	return answer{status: http.StatusOK, body: map[string]any{"object": "list", "url": intentsPath, "has_more": from >= 0 && f.intents[from].Created >= since, "data": data}}
}

// refundsOf returns a page of an intent's refunds, the newest first. The caller holds the lock.
func (f *Fake) refundsOf(i *intent, r *request) answer {
	limit, problem := limitOf(r)
	if problem != nil {
		return *problem
	}
	all := []any{}
	if i.charge != nil {
		all = i.charge.showRefunds()
	}
	from := 0
	if after := r.form.Get("starting_after"); after != "" {
		from = 1 + slices.IndexFunc(all, func(one any) bool { return one.(map[string]any)["id"] == after })
	}
	end := min(from+limit, len(all))
	return answer{status: http.StatusOK, body: map[string]any{"object": "list", "url": "/v1/refunds", "has_more": end < len(all), "data": all[from:end]}}
}

var queryPattern = regexp.MustCompile(`^metadata\["(\w+)"\]:"([\w-]+)"$`)

// search returns what the search's index knows. The caller holds the lock.
func (f *Fake) search(r *request) answer {
	limit, problem := limitOf(r)
	if problem != nil {
		return *problem
	}
	query := queryPattern.FindStringSubmatch(r.form.Get("query"))
	if query == nil {
		return failure(http.StatusBadRequest, "invalid_request_error", "", "query", "this fake knows one metadata clause only")
	}
	data := []any{}
	for _, i := range slices.Backward(f.intents) {
		if i.searchable && i.Metadata[query[1]] == query[2] && len(data) < limit {
			data = append(data, i.show(false))
		}
	}
	return answer{status: http.StatusOK, body: map[string]any{"object": "search_result", "url": intentsPath + "/search", "has_more": false, "data": data}}
}
