// Package scenario writes commands as the lines of a scenario file, compares
// decisions, and makes failing runs smaller. The tests of sequencer and simulation
// share it; nothing that runs needs it.
package scenario

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"onsale/sequencer"
)

// DayStart is 00:00 of the day on which all scenarios play.
const DayStart = 1_780_272_000 * int64(time.Second) // 2026-06-01 UTC

// Of writes batches as a scenario; keys names their keys.
func Of(batches []sequencer.Batch, keys map[sequencer.KeyDigest]string) string {
	var text strings.Builder
	for i := range batches {
		fmt.Fprintf(&text, "at %s\n", FormatClock(batches[i].Time))
		for c := range batches[i].Commands {
			fmt.Fprintln(&text, CommandLine(&batches[i].Commands[c], keys))
		}
	}
	return text.String()
}

// CommandLine writes a command as a scenario line; keys names their keys.
func CommandLine(c *sequencer.Command, keys map[sequencer.KeyDigest]string) string {
	if len(c.Actor) > 0 {
		plain := *c
		plain.Actor = nil
		if line := CommandLine(&plain, keys); !strings.HasPrefix(line, "raw ") {
			return line + " by=" + QuoteWord(string(c.Actor))
		}
		return rawLine(c)
	}
	user := QuoteWord(string(c.User))
	switch c.Kind {
	case sequencer.KindBuy:
		text := fmt.Sprintf("buy %s %d", user, c.Quantity)
		if c.Min != 0 {
			text += fmt.Sprintf(" min=%d", c.Min)
		}
		if c.Key != (sequencer.KeyDigest{}) {
			text += " key=" + QuoteWord(keys[c.Key])
		}
		if len(c.Reference) > 0 {
			text += " reference=" + QuoteWord(string(c.Reference))
		}
		return text + fmt.Sprintf(" sale=%d", c.Sale)
	case sequencer.KindBirth:
		return fmt.Sprintf("birth %x %d %d", c.Key[:], c.Count, c.Amount)
	case sequencer.KindCancel:
		return fmt.Sprintf("cancel %s #%d", user, c.Order) + shareWords(c, keys)
	case sequencer.KindPayBegin:
		text := fmt.Sprintf("pay %s #%d %d", user, c.Order, c.Amount) + accountWord(c)
		if c.Count != 0 {
			text += fmt.Sprintf(" line=%d", c.Count)
		}
		return text
	case sequencer.KindPayCalled:
		return fmt.Sprintf("called #%d %d", c.Order, c.Attempt)
	case sequencer.KindPayResult:
		text := fmt.Sprintf("provider #%d %d %s", c.Order, c.Attempt, outcomeWord(c.Outcome))
		if c.Reason != sequencer.ReasonNone {
			text += fmt.Sprintf(" reason=%d", c.Reason)
		}
		return text
	case sequencer.KindPayCaptured:
		return fmt.Sprintf("captured #%d %d %d", c.Order, c.Attempt, c.Amount)
	case sequencer.KindPayVoided:
		return fmt.Sprintf("voided #%d %d %s", c.Order, c.Attempt, outcomeWord(c.Outcome)) + partWord(c)
	case sequencer.KindPayBounced:
		return fmt.Sprintf("bounced #%d %d %d reason=%d", c.Order, c.Attempt, c.Count, c.Reason) + partWord(c)
	case sequencer.KindAcknowledge:
		return fmt.Sprintf("acknowledge #%d %d %s", c.Order, c.Attempt, QuoteWord(string(c.Body))) + partWord(c)
	case sequencer.KindAccept:
		return fmt.Sprintf("accept %s %s", QuoteWord(string(c.Reference)), QuoteWord(string(c.Body)))
	case sequencer.KindSettle:
		return fmt.Sprintf("settle #%d %d %s %d %s", c.Order, c.Attempt, outcomeWord(c.Outcome), c.Amount, QuoteWord(string(c.Body))) + partWord(c)
	case sequencer.KindPayDisputed:
		return fmt.Sprintf("disputed #%d %d %d %d %d", c.Order, c.Attempt, c.Dispute, c.Amount, c.Count)
	case sequencer.KindWithdraw:
		return fmt.Sprintf("withdraw #%d", c.Order) + shareWords(c, keys)
	case sequencer.KindRefund:
		return fmt.Sprintf("refund #%d", c.Order) + shareWords(c, keys) + ticketWords(c)
	case sequencer.KindSalePause, sequencer.KindSaleResume, sequencer.KindSaleClose, sequencer.KindSaleCancel:
		return fmt.Sprintf("%s %d", verbOf(c.Kind), c.Sale) + revisionWord(c)
	case sequencer.KindSaleQuantity, sequencer.KindSaleRelease:
		return fmt.Sprintf("%s %d %d", verbOf(c.Kind), c.Sale, c.Amount) + revisionWord(c)
	case sequencer.KindSessionOpen:
		return "session"
	case sequencer.KindForward:
		return fmt.Sprintf("forward #%d %d %d", c.Order, c.Amount, c.Count)
	case sequencer.KindSaleExtend:
		text := fmt.Sprintf("%s %d %s", verbOf(c.Kind), c.Sale, time.Duration(c.Amount))
		if c.Revision != 0 {
			text += fmt.Sprintf(" revision=%d", c.Revision)
		}
		return text
	case sequencer.KindOutage:
		return fmt.Sprintf("outage %d %d %d", int64(c.Order), c.Amount, c.Count)
	case sequencer.KindHoldStop:
		return fmt.Sprintf("hold-stop %d", c.Count)
	case sequencer.KindHoldGo:
		return "hold-go"
	case sequencer.KindLevel:
		return fmt.Sprintf("level %d", c.Amount)
	}
	return rawLine(c)
}

// shareWords says how much of an order a cancel or refund is of; nothing for all of it.
func shareWords(c *sequencer.Command, keys map[sequencer.KeyDigest]string) string {
	switch {
	case c.Quantity == 0:
		return ""
	case c.Key == (sequencer.KeyDigest{}):
		return fmt.Sprintf(" quantity=%d", c.Quantity)
	}
	return fmt.Sprintf(" quantity=%d key=%s", c.Quantity, QuoteWord(keys[c.Key]))
}

// ticketWords say which tickets the refund of a part names.
func ticketWords(c *sequencer.Command) string {
	if c.Quantity == 0 || len(c.Body) == 0 {
		return ""
	}
	var numbers []string
	for names := c.Body; len(names) >= 4; names = names[4:] {
		numbers = append(numbers, strconv.Itoa(int(binary.LittleEndian.Uint32(names))))
	}
	return " tickets=" + strings.Join(numbers, ",")
}

// Account is under which scenarios charge that do not say otherwise.
const Account = "sandbox/test/a"

// AccountOf returns the account that a pay_begin has when nothing else is said: none when it
// costs nothing.
func AccountOf(amount int64) []byte {
	if amount <= 0 {
		return nil
	}
	return []byte(Account)
}

func accountWord(c *sequencer.Command) string {
	if string(c.Reference) == string(AccountOf(c.Amount)) {
		return ""
	}
	return " account=" + QuoteWord(string(c.Reference))
}

func revisionWord(c *sequencer.Command) string {
	if c.Revision == 0 {
		return ""
	}
	return fmt.Sprintf(" revision=%d", c.Revision)
}

func partWord(c *sequencer.Command) string {
	if c.Part == 0 {
		return ""
	}
	return fmt.Sprintf(" part=%d", c.Part)
}

var yesNo = map[bool]string{true: "yes", false: "no"}

// rawLine writes the rest as bytes, a readable sale spec beside them.
func rawLine(c *sequencer.Command) string {
	encoded := sequencer.AppendCommand(nil, c)
	if spec, err := sequencer.DecodeSaleSpec(c.Body); err == nil && c.Kind == sequencer.KindSaleCreate {
		return fmt.Sprintf("create %s item=%s quantity=%d cap=%d waitlist=%d price=%d currency=%s starts=%s hold=%s promoted-hold=%s grace=%s skip-unfit=%s expired-holds=%d cool-down=%s zone=%s test=%s buys-per-second=%d%s",
			QuoteWord(spec.ID), QuoteWord(spec.Item), spec.Quantity, spec.Cap, spec.Waitlist, spec.Price, spec.Currency, FormatClock(spec.StartsAt),
			time.Duration(spec.Hold), time.Duration(spec.PromotedHold), time.Duration(spec.Grace), yesNo[spec.SkipUnfit],
			spec.ExpiredHoldsMax, time.Duration(spec.CoolDown), QuoteWord(spec.Zone), yesNo[spec.Test], spec.BuysPerSecond, pseudonymsWord(spec.PseudonymKey))
	}
	return "raw " + hex.EncodeToString(encoded[2:])
}

// pseudonymsWord names the key of a sale, when it has one.
func pseudonymsWord(id sequencer.PseudonymKeyID) string {
	if id == 0 {
		return ""
	}
	return " pseudonyms=" + id.String()
}

func verbOf(kind sequencer.Kind) string {
	for verb, k := range SaleVerbs {
		if k == kind {
			return verb
		}
	}
	return ""
}

func outcomeWord(o sequencer.PayOutcome) string {
	if o >= sequencer.PayAccepted && o <= sequencer.PayRefunded {
		return o.String()
	}
	return strconv.Itoa(int(o))
}

// QuoteWord quotes a word that cutWord would not read back as it is.
func QuoteWord(word string) string {
	for i := range len(word) {
		if c := word[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.') {
			return strconv.Quote(word)
		}
	}
	if word == "" {
		return `""`
	}
	return word
}

// SaleVerbs are the seller's commands on a sale, as a scenario spells them.
var SaleVerbs = map[string]sequencer.Kind{
	"create": sequencer.KindSaleCreate, "update": sequencer.KindSaleUpdate, "pause": sequencer.KindSalePause,
	"resume": sequencer.KindSaleResume, "close": sequencer.KindSaleClose, "cancel-sale": sequencer.KindSaleCancel,
	"quantity": sequencer.KindSaleQuantity, "release": sequencer.KindSaleRelease, "extend": sequencer.KindSaleExtend,
}

// FormatClock writes a time as hours:minutes:seconds of the scenarios' day.
func FormatClock(nanoseconds int64) string {
	d := time.Duration(nanoseconds - DayStart)
	text := fmt.Sprintf("%02d:%02d:%02d.%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000)
	if beyond := d % time.Millisecond; beyond != 0 {
		text += fmt.Sprintf("%06d", beyond.Nanoseconds())
	}
	return text
}
