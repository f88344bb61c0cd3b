package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"onsale/internal/procs"
)

// node is one server process of a temporary cluster.
type node struct {
	id                  string
	http, private, peer string
	dataDir             string
	token               string         // an operator's
	process             *procs.Process // nil before its start and after its end
}

// nodeStatus is what GET /v1/node says, as far as the bench needs it.
type nodeStatus struct {
	NodeID      string `json:"node_id"`
	Role        string `json:"role"`
	Seq         uint64 `json:"seq"`
	StateHash   string `json:"state_hash"`
	JournalHash string `json:"journal_hash"`
}

const getTimeout = 5 * time.Second

// get asks a node's private listener.
func (n *node) get(ctx context.Context, path string) ([]byte, error) {
	return n.getWithin(ctx, getTimeout, path)
}

func (n *node) getWithin(ctx context.Context, timeout time.Duration, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.private+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+n.token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 8<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, answer.Status)
	}
	return body, err
}

func (n *node) status(ctx context.Context) (nodeStatus, error) {
	var s nodeStatus
	body, err := n.get(ctx, "/v1/node")
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	return s, err
}

// metrics reads a node's Prometheus text into numbers by name; histograms give
// their _sum and _count.
func (n *node) metrics(ctx context.Context) (map[string]float64, error) {
	body, err := n.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	numbers := map[string]float64{}
	for line := range strings.Lines(string(body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			numbers[name] = number
		}
	}
	return numbers, nil
}
