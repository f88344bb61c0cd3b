package sequencer_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/audit/naive"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

var rewrite = flag.Bool("rewrite", false, "write what scenarios and codecs give into testdata instead of comparing")

// machine is what a scenario plays on: the State, or the naive model.
type machine interface {
	AccountOf(order uint64, attempt uint8) string
	Sale(number uint16) (sequencer.SaleView, bool)
	Order(seq uint64) (sequencer.OrderView, bool)
	OrdersOf(user []byte, after uint64, limit int) []sequencer.OrderView
	SaleCount() int
}

// player plays the lines of a scenario and writes them again, with what came of
// each after it.
type player struct {
	machine machine
	apply   func(b *sequencer.Batch) *sequencer.Decisions

	batch     sequencer.Batch
	pending   []string // the lines of the batch; "" stands for nothing
	isCommand []bool   // whether the pending line is a command
	began     bool
	counts    map[uint16]string
	out       []string
}

func newStatePlayer() *player {
	s := sequencer.New()
	return &player{machine: s, counts: map[uint16]string{}, apply: func(b *sequencer.Batch) *sequencer.Decisions {
		d := new(sequencer.Decisions)
		s.Apply(b, d)
		if err := s.Verify(); err != nil {
			panic(err)
		}
		return d
	}}
}

func newNaivePlayer() *player {
	m := naive.New()
	return &player{machine: m, counts: map[uint16]string{}, apply: m.Apply}
}

// play returns the scenario with the results that the machine gives.
func (p *player) play(text string) (string, error) {
	for i, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if err := p.playLine(l); err != nil {
			return "", fmt.Errorf("line %d, %q: %w", i+1, l, err)
		}
	}
	p.flush()
	return strings.Join(p.out, "\n") + "\n", nil
}

func (p *player) playLine(text string) error {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, ">"):
		return nil // what came of it the last time
	case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		p.keep(text, false)
		return nil
	}
	l, err := parseLine(trimmed)
	if err != nil {
		return err
	}
	switch l.verb {
	case "at":
		p.flush()
		p.began = true
		p.batch.Time, err = parseClock(l.words[0])
		p.out = append(p.out, text)
		return err
	case "show":
		p.flush()
		p.out = append(p.out, text)
		return p.show(l)
	}
	p.began = true // after a show, a batch of the same time begins
	c, err := builder{p.saleNamed}.command(l)
	p.batch.Commands = append(p.batch.Commands, c)
	p.keep(text, true)
	return err
}

func (p *player) keep(text string, command bool) {
	p.pending = append(p.pending, text)
	p.isCommand = append(p.isCommand, command)
}

func (p *player) tell(format string, values ...any) {
	p.out = append(p.out, "> "+fmt.Sprintf(format, values...))
}

// flush decides the batch and writes its lines.
func (p *player) flush() {
	var d *sequencer.Decisions
	if p.began {
		d = p.apply(&p.batch)
		p.tellEvents(d, 0)
	}
	// Blank lines and comments at the end belong to what follows.
	end := len(p.pending)
	for end > 0 && !p.isCommand[end-1] {
		end--
	}
	command := 0
	for i, text := range p.pending[:end] {
		p.out = append(p.out, text)
		if p.isCommand[i] {
			p.tell("%s", describeResult(&d.Results[command]))
			command++
			p.tellEvents(d, uint32(command))
		}
	}
	if p.began {
		p.tellCounts()
	}
	p.out = append(p.out, p.pending[end:]...)
	p.pending, p.isCommand, p.batch.Commands, p.began = nil, nil, nil, false
}

func (p *player) tellEvents(d *sequencer.Decisions, before uint32) {
	for i := range d.Events {
		if d.Events[i].Before == before {
			p.tell("%s", describeEvent(&d.Events[i]))
		}
	}
}

// tellCounts tells the counts that changed.
func (p *player) tellCounts() {
	for number := 1; number <= p.machine.SaleCount(); number++ {
		view, _ := p.machine.Sale(uint16(number))
		if text := describeCounts(&view); text != p.counts[view.Number] {
			p.counts[view.Number] = text
			p.tell("%s", text)
		}
	}
}

// saleNamed returns a sale, also one that the batch under way will create.
func (p *player) saleNamed(name string) (sequencer.SaleView, bool) {
	for number := 1; number <= p.machine.SaleCount(); number++ {
		if view, _ := p.machine.Sale(uint16(number)); view.ID == name {
			return view, true
		}
	}
	next := uint16(p.machine.SaleCount())
	for _, c := range p.batch.Commands {
		if spec, err := sequencer.DecodeSaleSpec(c.Body); err == nil && c.Kind == sequencer.KindSaleCreate {
			if next++; spec.ID == name {
				return sequencer.SaleView{SaleSpec: spec, Number: next}, true
			}
		}
	}
	return sequencer.SaleView{}, false
}

func (p *player) show(l line) error {
	for _, name := range l.words {
		if sale, known := p.saleNamed(name); known {
			for _, text := range describeSale(&sale) {
				p.tell("%s", text)
			}
			continue
		}
		orders := p.machine.OrdersOf([]byte(name), 0, 100)
		if strings.HasPrefix(name, "#") {
			order, known := p.machine.Order(orderSeq(name))
			if !known {
				return fmt.Errorf("no order %s", name)
			}
			orders = []sequencer.OrderView{order}
		}
		for i := range orders {
			p.tell("%s", describeOrderView(&orders[i])+p.describeAccounts(&orders[i]))
		}
		if len(orders) == 0 {
			p.tell("%s has no orders", scenario.QuoteWord(name))
		}
	}
	return nil
}

// Each scenario gives what its file says, on the State and on the naive model.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := newStatePlayer().play(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else {
				compareText(t, "State", string(text), got)
			}
			dumb, err := newNaivePlayer().play(string(text))
			if err != nil {
				t.Fatal(err)
			}
			compareText(t, "naive model", got, dumb)
		})
	}
}

// compareText reports the first line that differs.
func compareText(t *testing.T, who, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(wanted), len(gotten)) {
		at := func(lines []string) string { return slices.Concat(lines, make([]string, i+1))[i] }
		if at(wanted) != at(gotten) {
			t.Fatalf("%s, line %d:\n  want %s\n  got  %s", who, i+1, at(wanted), at(gotten))
		}
	}
}

// describeAccounts says under which accounts an order's attempts are charged, unless all are
// under the one that scenarios need not name.
func (p *player) describeAccounts(v *sequencer.OrderView) (text string) {
	for attempt := uint8(1); attempt <= v.Attempts; attempt++ {
		if account := p.machine.AccountOf(v.Seq, attempt); account != "" && account != scenario.Account {
			text += fmt.Sprintf(", attempt %d under %s", attempt, account)
		}
	}
	return text
}
