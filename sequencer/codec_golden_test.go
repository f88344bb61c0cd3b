package sequencer_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// goldenSpec is a sale spec with another value in each field.
func goldenSpec() sequencer.SaleSpec {
	return sequencer.SaleSpec{
		ID: "spring-2026", Item: "Frühling", Quantity: 100_000, Cap: 2, Waitlist: 5_000, Price: 4_950, Currency: "EUR",
		StartsAt: scenario.DayStart, Hold: int64(time.Hour), Grace: int64(10 * time.Minute), SkipUnfit: true, Zone: "Europe/Berlin", Test: true, PseudonymKey: 0x0badcafe, BuysPerSecond: 0x01020304,
	}
}

// goldenBatch has a command of every kind.
func goldenBatch() sequencer.Batch {
	spec := goldenSpec()
	body := sequencer.AppendSaleSpec(nil, &spec)
	alice := []byte("alice")
	return sequencer.Batch{Time: scenario.DayStart + 1, Commands: []sequencer.Command{
		{Kind: sequencer.KindSaleCreate, Body: body},
		{Kind: sequencer.KindSaleUpdate, Sale: 1, Revision: 513, Body: body},
		{Kind: sequencer.KindBuy, Sale: 1, User: alice, Quantity: 2},
		{Kind: sequencer.KindBuy, Sale: 258, User: []byte("günther"), Quantity: 3, Min: 1, Key: sequencer.DigestKey(alice, []byte("key-1"))},
		{Kind: sequencer.KindCancel, Order: 1 << 40, User: alice},
		{Kind: sequencer.KindPayBegin, Order: 3, User: alice, Amount: 9_900, Reference: []byte("a")},
		{Kind: sequencer.KindPayResult, Order: 3, Attempt: 1, Outcome: sequencer.PayAccepted},
		{Kind: sequencer.KindPayVoided, Order: 3, Attempt: 2, Outcome: sequencer.PayRefunded},
		{Kind: sequencer.KindRefund, Order: 3},
		{Kind: sequencer.KindSalePause, Sale: 1},
		{Kind: sequencer.KindSaleResume, Sale: 1},
		{Kind: sequencer.KindSaleClose, Sale: 1},
		{Kind: sequencer.KindSaleCancel, Sale: 1},
		{Kind: sequencer.KindSaleQuantity, Sale: 1, Amount: -5, Revision: 7},
		{Kind: sequencer.KindSaleRelease, Sale: 1, Amount: 5},
		{Kind: sequencer.KindSaleExtend, Sale: 258, Amount: int64(time.Minute)},
		{Kind: sequencer.KindSessionOpen},
		{Kind: sequencer.KindForward, Order: 1<<33 + 17, Amount: 258, Count: 70_001},
		{Kind: sequencer.KindBuy, Sale: 1, User: alice, Quantity: 1, Reference: []byte("CART 7/2026")},
		{Kind: sequencer.KindBuy, Sale: 1, User: alice, Quantity: 1, Key: sequencer.DigestKey(alice, []byte("key-2")), Reference: []byte("x")},
		{Kind: sequencer.KindSaleCreate, Actor: []byte("sella"), Body: body},
		{Kind: sequencer.KindSaleUpdate, Sale: 1, Revision: 513, Actor: []byte("sella"), Body: body},
		{Kind: sequencer.KindSalePause, Sale: 1, Actor: []byte("sella")},
		{Kind: sequencer.KindSaleQuantity, Sale: 1, Amount: -5, Revision: 7, Actor: []byte("sella")},
		{Kind: sequencer.KindSaleRelease, Sale: 1, Amount: 5, Revision: 7, Actor: []byte("sella")},
		{Kind: sequencer.KindRefund, Order: 3, Actor: []byte("sella")},
		{Kind: sequencer.KindSaleExtend, Sale: 258, Amount: int64(time.Minute), Actor: []byte("otto")},
		{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest{1, 2, 15: 16}, Amount: scenario.DayStart, Count: uint32(sequencer.BirthRestore)},
		{Kind: sequencer.KindLevel, Amount: 258, Actor: []byte("otto")},
		{Kind: sequencer.KindOutage, Order: uint64(scenario.DayStart), Amount: scenario.DayStart + 513, Count: 86_400},
		{Kind: sequencer.KindHoldStop, Count: 86_400},
		{Kind: sequencer.KindHoldGo},
		{Kind: sequencer.KindPayBounced, Order: 3, Attempt: 2, Count: 1, Reason: sequencer.ReasonMethodGone},
		{Kind: sequencer.KindAcknowledge, Order: 3, Attempt: 2, Actor: []byte("sella"), Body: []byte("paid in cash")},
		{Kind: sequencer.KindAcknowledge, Order: 3, Attempt: 1, Part: 4, Body: []byte("x")},
		{Kind: sequencer.KindCancel, Order: 3, Quantity: 1, Key: sequencer.KeyDigest{3, 15: 4}, User: []byte("ann")},
		{Kind: sequencer.KindRefund, Order: 3, Quantity: 2, Key: sequencer.KeyDigest{5, 15: 6}, Actor: []byte("sue")},
		{Kind: sequencer.KindRefund, Order: 3, Quantity: 2, Actor: []byte("sue"), Body: sequencer.AppendTicketNames(nil, []uint32{5, 1 << 31})},
		{Kind: sequencer.KindPayCaptured, Order: 3, Attempt: 2, Amount: 4900},
		{Kind: sequencer.KindPayVoided, Order: 3, Attempt: 2, Outcome: sequencer.PayRefunded, Part: 1},
		{Kind: sequencer.KindPayBounced, Order: 3, Attempt: 2, Count: 1, Reason: sequencer.ReasonMethodGone, Part: 2},
		{Kind: sequencer.KindPayDisputed, Order: 3, Attempt: 2, Dispute: sequencer.DisputeNeedsResponse, Amount: 9_900, Count: 1_780_272_000},
		{Kind: sequencer.KindAccept, Reference: []byte("stripe/live/acct_1"), Actor: []byte("otto"), Body: []byte("sold")},
		{Kind: sequencer.KindSettle, Order: 3, Attempt: 2, Outcome: sequencer.PayRefunded, Part: 4, Amount: 4900, Actor: []byte("otto"), Body: []byte("in cash")},
		{Kind: sequencer.KindWithdraw, Order: 3, Actor: []byte("sella")},
		{Kind: sequencer.KindWithdraw, Order: 3, Quantity: 1, Key: sequencer.KeyDigest{7, 15: 8}},
		{Kind: sequencer.KindPayBegin, Order: 3, User: alice, Amount: 9_900, Count: 513, Reference: []byte("a")},
		{Kind: sequencer.KindPayCalled, Order: 3, Attempt: 2},
	}}
}

// goldenSeenBatch has the commands that may be for one revision of a sale alone, and are so.
func goldenSeenBatch() sequencer.Batch {
	return sequencer.Batch{Time: scenario.DayStart + 1, Commands: []sequencer.Command{
		{Kind: sequencer.KindSalePause, Sale: 258, Revision: 0x01020304, Actor: []byte("sella")},
		{Kind: sequencer.KindSaleResume, Sale: 258, Revision: 1},
	}}
}

// goldenDecisions has results in the short forms and in the long one, and events.
func goldenDecisions() (commands []sequencer.Command, d sequencer.Decisions) {
	const buy = sequencer.KindBuy
	d = sequencer.Decisions{
		Time: scenario.DayStart + 2, FirstSeq: 1 << 33,
		Results: []sequencer.Result{
			{Seq: 1 << 33, Kind: buy, Code: sequencer.CodeSoldOut},
			{Seq: 1<<33 + 1, Kind: buy, Order: 1<<33 + 1, Sale: 258, State: sequencer.StateReserved, Quantity: 2, Deadline: scenario.DayStart + 3},
			{Seq: 1<<33 + 2, Kind: buy, Order: 1<<33 + 2, Sale: 1, State: sequencer.StateWaitlisted, Quantity: 1, Position: 70_000},
			{Seq: 7, Kind: buy, Code: sequencer.CodeCapExceeded, Replayed: true},
			{Seq: 1<<33 + 4, Kind: sequencer.KindPayResult, Order: 9, Sale: 1, State: sequencer.StateExpired, Quantity: 1, Attempt: 3, Code: sequencer.CodeLateSuccess},
			{Seq: 1<<33 + 5, Kind: sequencer.KindSalePause, Sale: 1},
			{Seq: 1<<33 + 6, Kind: 0, Code: sequencer.CodeBadRequest},
			{Seq: 1<<33 + 7, Kind: buy, Order: 1<<33 + 7, Sale: 258, State: sequencer.StateReserved, Quantity: 1, Deadline: scenario.DayStart + 3},
			{Seq: 1<<33 + 8, Kind: buy, Order: 1<<33 + 8, Sale: 1, State: sequencer.StateWaitlisted, Quantity: 31, Position: 70_001},
			{Seq: 1<<33 + 9, Kind: buy, Order: 1<<33 + 9, Sale: 1, State: sequencer.StateReserved, Quantity: 1, Deadline: scenario.DayStart + 3},
			{Seq: 1<<33 + 10, Kind: buy, Order: 1<<33 + 10, Sale: 1, State: sequencer.StateWaitlisted, Quantity: 2, Position: 70_003},
			{Seq: 1<<33 + 11, Kind: buy, Order: 1<<33 + 11, Sale: 1, State: sequencer.StateReserved, Quantity: 32, Deadline: scenario.DayStart + 3},
			{Seq: 1<<33 + 12, Kind: buy, Code: sequencer.CodeNotEnough, Quantity: 31},
			{Seq: 1<<33 + 13, Kind: buy, Code: sequencer.CodeNotEnough, Quantity: 32},
			{Seq: 1<<33 + 14, Kind: buy, Code: sequencer.CodeNotEnough, Quantity: 1},
			{Seq: 1<<33 + 15, Kind: sequencer.KindPayResult, Order: 9, Sale: 1, State: sequencer.StatePaid, Quantity: 1, Attempt: 3, Ticket: 70_004},
		},
		Events: []sequencer.Event{
			{Kind: sequencer.EventExpired, Order: 5, Sale: 1, Quantity: 2},
			{Kind: sequencer.EventPromoted, Order: 6, Sale: 1, Quantity: 1, Deadline: scenario.DayStart + 4},
			{Kind: sequencer.EventOverdue, Order: 1 << 33, Sale: 258, Quantity: 1, Before: 3},
			{Kind: sequencer.EventCancelled, Order: 8, Sale: 1, Quantity: 2, Before: 6},
		},
	}
	for _, r := range d.Results {
		commands = append(commands, sequencer.Command{Kind: r.Kind})
	}
	return commands, d
}

// The formats are what is on the disks of every replica and in every journal:
// the same values have the same bytes for ever.
func TestGolden(t *testing.T) {
	batch, spec := goldenBatch(), goldenSpec()
	_, decisions := goldenDecisions()
	compareGolden(t, "batch", sequencer.AppendBatch(nil, &batch))
	seen := goldenSeenBatch()
	compareGolden(t, "batch_seen", sequencer.AppendBatch(nil, &seen))
	compareGolden(t, "sale_spec", sequencer.AppendSaleSpec(nil, &spec))
	compareGolden(t, "decisions", sequencer.AppendDecisions(nil, &decisions))
	compareGolden(t, "uid", sequencer.AppendUID(nil, 258, 1<<40+77))
}

func TestGoldenIsReadBack(t *testing.T) {
	var batch sequencer.Batch
	if err := sequencer.DecodeBatch(golden(t, "batch"), &batch); err != nil || !reflect.DeepEqual(batch, goldenBatch()) {
		t.Errorf("batch is %+v, %v", batch, err)
	}
	if err := sequencer.DecodeBatch(golden(t, "batch_seen"), &batch); err != nil || !reflect.DeepEqual(batch, goldenSeenBatch()) {
		t.Errorf("batch is %+v, %v", batch, err)
	}
	if spec, err := sequencer.DecodeSaleSpec(golden(t, "sale_spec")); err != nil || spec != goldenSpec() {
		t.Errorf("sale spec is %+v, %v", spec, err)
	}
	commands, want := goldenDecisions()
	var decisions sequencer.Decisions
	if err := sequencer.DecodeDecisions(golden(t, "decisions"), commands, &decisions); err != nil || !reflect.DeepEqual(decisions, want) {
		t.Errorf("decisions are %+v, %v", decisions, err)
	}
	if sale, seq, err := sequencer.ParseUID(golden(t, "uid")); err != nil || sale != 258 || seq != 1<<40+77 {
		t.Errorf("uid is %d, %d, %v", sale, seq, err)
	}
}

// Bytes of another version are refused by name, and the message says which one it is.
func TestOtherVersions(t *testing.T) {
	commands, _ := goldenDecisions()
	for name, decode := range map[string]func(data []byte) error{
		"batch":     func(data []byte) error { return sequencer.DecodeBatch(data, new(sequencer.Batch)) },
		"decisions": func(data []byte) error { return sequencer.DecodeDecisions(data, commands, new(sequencer.Decisions)) },
		"sale_spec": func(data []byte) error { _, err := sequencer.DecodeSaleSpec(data); return err },
		"snapshot":  func(data []byte) error { _, err := sequencer.ReadSnapshot(bytes.NewReader(data)); return err },
	} {
		data := golden(t, name)
		at := 0
		if name == "snapshot" {
			at = 8
		}

		known := data[at]
		for _, version := range []byte{0, known - 1, known + 1, 255} {
			data[at] = version
			says := fmt.Sprintf("version %d, this program knows %d", version, known)
			if err := decode(data); !errors.Is(err, sequencer.ErrVersion) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s of version %d: %v", name, version, err)
			}
		}
	}
}

func goldenFile(name string) string { return filepath.Join("testdata", "golden", name+".hex") }

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(goldenFile(name), []byte(hexLines(got)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := golden(t, name); !bytes.Equal(got, want) {
		t.Errorf("%s has the bytes\n%swant\n%s", name, hexLines(got), hexLines(want))
	}
}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(goldenFile(name))
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// hexLines writes 16 bytes a line.
func hexLines(data []byte) string {
	var text strings.Builder
	for len(data) > 0 {
		n := min(16, len(data))
		text.WriteString(hex.EncodeToString(data[:n]) + "\n")
		data = data[n:]
	}
	return text.String()
}
