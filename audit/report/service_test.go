package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api/contract"
)

func TestService(t *testing.T) {
	story := tell(7, 300)
	s := NewService(record(t, story), slog.New(slog.NewTextHandler(io.Discard, nil)))
	middle, end := story[len(story)/2].view, story[len(story)-1].view
	background := context.Background()
	first, err := s.Timeline(background, &middle)
	if err != nil || len(first.Rows) == 0 || len(first.Mismatch) > 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := s.Timeline(background, &middle); err != nil || again != first {
		t.Errorf("the same decision is read again: %v", err)
	}
	second, err := s.Timeline(background, &end)
	if err != nil || second.Blocks <= first.Blocks {
		t.Errorf("%+v, %v", second, err)
	}
	s.passes <- struct{}{} // another pass is under way
	if _, err := s.Timeline(background, &middle); !errors.Is(err, contract.ErrTimelineBusy) {
		t.Errorf("two passes at once: %v", err)
	}
	if again, err := s.Timeline(background, &end); err != nil || again != second {
		t.Errorf("what is remembered needs no pass: %v", err)
	}
	<-s.passes
	end.Sold++
	end.AsOfTime++
	if _, err := s.Timeline(background, &end); err == nil {
		t.Error("a view ahead of the journal")
	}
	c := &s.counters
	if c.made.Load() != 2 || c.remembered.Load() != 2 || c.busy.Load() != 1 || c.failed.Load() != 1 {
		t.Errorf("made %d, remembered %d, busy %d, failed %d", c.made.Load(), c.remembered.Load(), c.busy.Load(), c.failed.Load())
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s)
	if families, err := registry.Gather(); err != nil || len(families) != 2 {
		t.Errorf("metrics %v, %v", families, err)
	}
}

// Only the newest timelines are remembered, one of each sale.
func TestServiceForgets(t *testing.T) {
	s := NewService("nowhere", slog.New(slog.DiscardHandler))
	view := tell(1, 20)[20].view
	for i := range 3 * rememberedMax {
		view.ID = fmt.Sprint("sale-", i/2)
		view.AsOfSeq++
		s.remember(&view, &contract.Timeline{})
	}
	if len(s.remembered) != rememberedMax || s.recall(&view) == nil {
		t.Errorf("%d are remembered", len(s.remembered))
	}
}
