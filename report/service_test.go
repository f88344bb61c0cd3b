package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

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
	want := ""
	for _, line := range []string{"busy} 1", "failed} 1", "made} 2", "remembered} 2"} {
		result, count, _ := strings.Cut(line, "} ")
		want += fmt.Sprintf("onsale_timelines_total{result=%q} %s\n", result, count)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s)
	text := "# HELP onsale_timelines_total Timelines asked for, by result. Alert when failed grows: the journal cannot be read, or disagrees with the replica.\n# TYPE onsale_timelines_total counter\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(text+want), "onsale_timelines_total"); err != nil {
		t.Error(err)
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
