package auditlog

import (
	"encoding/json"
	"fmt"
	"time"
)

// LineBytesMax bounds a line, its break included.
const LineBytesMax = 8 << 10

// textBytesMax bounds each text of an entry.
const textBytesMax = 200

// The outcomes of an entry that are no problem's code.
const (
	Begun = "begun" // it is about to be done
	Done  = "ok"
)

// Entry is one line. Log, Time and Node are the Log's to set.
type Entry struct {
	Log       string         `json:"log"` // audit
	Time      time.Time      `json:"time"`
	Node      string         `json:"node"`
	Actor     string         `json:"actor"` // as the token says; "" when nobody said so
	Roles     []string       `json:"roles"`
	From      string         `json:"from"` // address of the caller
	RequestID string         `json:"request_id"`
	Verb      string         `json:"verb"`
	Target    string         `json:"target"`
	Before    map[string]any `json:"before,omitempty"` // what the verb changes, as it was
	After     map[string]any `json:"after,omitempty"`
	// Outcome is Begun, Done or the code of the problem that was answered.
	Outcome string `json:"outcome"`
	// LeftOut counts the refused attempts since the line before that had no line.
	LeftOut uint64 `json:"left_out,omitempty"`
}

// line spells an entry, within LineBytesMax.
func (e Entry) line() []byte {
	for _, text := range []*string{&e.Actor, &e.From, &e.RequestID, &e.Verb, &e.Target, &e.Outcome} {
		*text = (*text)[:min(len(*text), textBytesMax)]
	}
	data, err := json.Marshal(&e)
	if err != nil || len(data) >= LineBytesMax {
		e.Before, e.After = nil, map[string]any{"left_out_bytes": len(data)}
		if data, err = json.Marshal(&e); err != nil { // texts and numbers can always be marshalled
			panic(fmt.Sprintf("auditlog: cannot encode a line: %v", err))
		}
	}
	return append(data, '\n')
}
