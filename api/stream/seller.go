package stream

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

const (
	// sellerInterval is how often a seller's live numbers are sent at most.
	sellerInterval = 500 * time.Millisecond
	// sellersMax bounds the sellers' streams of one node: each is a goroutine.
	sellersMax = 256
	// sellersEachMax bounds those of one token's user.
	sellersEachMax = 64
)

// Sellers are the sellers' event streams of a listener.
type Sellers struct {
	ctx          context.Context // the streams end with it
	writeTimeout time.Duration   // of an event
	clock        func() time.Time
	open         *bound
}

// NewSellers returns no streams yet; they end with ctx.
func NewSellers(ctx context.Context, writeTimeout time.Duration, clock func() time.Time) *Sellers {
	return &Sellers{ctx: ctx, writeTimeout: writeTimeout, clock: clock, open: newBound("event streams", sellersMax, sellersEachMax)}
}

// Serve answers with a sale's numbers whenever they changed, until the caller leaves, its
// right is over or taken back, or the streams end. user is whose token it is.
// newest returns the newest view, nil for none. The error is overloaded or too-many-open
// when too many streams are open; then nothing was written.
func (s *Sellers) Serve(w http.ResponseWriter, request *http.Request, user string, view *sequencer.SaleView, newest func() *sequencer.SaleView, right Right) error {
	if err := s.open.take(user); err != nil {
		return err
	}
	defer s.open.give(user)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")

	ticker := time.NewTicker(sellerInterval)
	defer ticker.Stop()
	control := http.NewResponseController(w)
	shown, beat := uint64(0), time.Now()
	for !right.isOver(s.clock().Unix()) {
		version, event := s.event(view, shown)
		shown = version
		if len(event) == 0 && time.Since(beat) > heartbeatInterval {
			event = heartbeat
		}
		if len(event) > 0 {
			beat = time.Now()
			_ = control.SetWriteDeadline(beat.Add(s.writeTimeout)) // of this event alone
			if _, err := w.Write(event); err != nil || control.Flush() != nil {
				return nil // the caller left
			}
		}

		select {
		case <-ticker.C:
		case <-request.Context().Done():
			return nil
		case <-s.ctx.Done():
			return nil
		}
		if v := newest(); v != nil {
			view = v
		}
	}
	return nil
}

// Take takes a place for a stream that the caller serves itself; give gives it back. The error is
// Serve's.
func (s *Sellers) Take(user string) (give func(), err error) {
	if err := s.open.take(user); err != nil {
		return nil, err
	}
	return func() { s.open.give(user) }, nil
}

// event returns the event of a view and its version; none when that was shown.
func (s *Sellers) event(view *sequencer.SaleView, shown uint64) (version uint64, event []byte) {
	detail := contract.DetailOf(view, s.clock().UnixNano())
	version = view.AsOfSeq ^ uint64(view.AsOfTime)<<1 ^ contract.TextTag(detail.Status)
	if version == shown {
		return version, nil
	}
	data, err := json.Marshal(&detail)
	if err != nil { // the contract's types can always be marshalled
		panic("stream: cannot encode an event: " + err.Error())
	}
	return version, appendEvent(nil, "sale", FormatID(version), data)
}
