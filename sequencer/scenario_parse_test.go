package sequencer_test

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// line is one line of a scenario, split at spaces. A word may be quoted.
type line struct {
	verb    string
	words   []string          // without a name
	options map[string]string // name=value
}

func parseLine(text string) (line, error) {
	l := line{options: map[string]string{}}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeft(text, " \t") {
		var name, word string
		if i := strings.IndexAny(text, "= \t\""); i > 0 && text[i] == '=' {
			name, text = text[:i], text[i+1:]
		}
		word, text = cutWord(text)
		switch {
		case name != "":
			l.options[name] = word
		case l.verb == "":
			l.verb = word
		default:
			l.words = append(l.words, word)
		}
	}
	if l.verb == "" {
		return l, fmt.Errorf("no command")
	}
	return l, nil
}

// cutWord takes the first word: quoted as in Go, or up to a space; x*129 is 129
// times x.
func cutWord(text string) (word, rest string) {
	if quoted, err := strconv.QuotedPrefix(text); err == nil {
		word, _ = strconv.Unquote(quoted)
		return word, text[len(quoted):]
	}
	word, rest, _ = strings.Cut(text, " ")
	if part, times, found := strings.Cut(word, "*"); found {
		if n, err := strconv.Atoi(times); err == nil {
			word = strings.Repeat(part, n)
		}
	}
	return word, rest
}

// parseClock reads hours:minutes:seconds; the hours may go on past 24.
func parseClock(text string) (int64, error) {
	hours, rest, _ := strings.Cut(text, ":")
	minutes, seconds, _ := strings.Cut(rest, ":")
	d, err := time.ParseDuration(hours + "h" + minutes + "m" + seconds + "s")
	return scenario.DayStart + int64(d), err
}

// builder makes commands out of lines. It looks sales up where they are.
type builder struct {
	sale func(name string) (sequencer.SaleView, bool)
}

func (b builder) command(l line) (c sequencer.Command, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("%v", failure)
		}
	}()
	if actor, given := l.options["by"]; given {
		delete(l.options, "by")
		defer func() { c.Actor = []byte(actor) }()
	}

	switch l.verb {
	case "buy":
		c = b.buy(l)
	case "birth":
		c = birthCommand(l)
	case "cancel":
		c = sequencer.Command{Kind: sequencer.KindCancel, User: []byte(l.words[0]), Order: orderSeq(l.words[1])}
		shareOptions(l, &c)
	case "pay":
		c = sequencer.Command{Kind: sequencer.KindPayBegin, User: []byte(l.words[0]), Order: orderSeq(l.words[1]), Amount: number(l.words[2])}
		c.Reference = scenario.AccountOf(c.Amount)
		if account, given := l.options["account"]; given {
			c.Reference = []byte(account)
		}
		if stay, given := l.options["line"]; given {
			c.Count = seconds(stay)
		}
	case "called":
		c = sequencer.Command{Kind: sequencer.KindPayCalled, Order: orderSeq(l.words[0]), Attempt: uint8(number(l.words[1]))}
	case "provider":
		c = sequencer.Command{Kind: sequencer.KindPayResult, Order: orderSeq(l.words[0]), Attempt: uint8(number(l.words[1])), Outcome: outcomeNamed(l.words[2])}
		if text, given := l.options["reason"]; given {
			c.Reason = reasonNamed(text)
		}
	case "voided":
		c = sequencer.Command{Kind: sequencer.KindPayVoided, Order: orderSeq(l.words[0]), Attempt: uint8(number(l.words[1])), Outcome: outcomeNamed(l.words[2]), Part: partOption(l)}
	case "captured":
		c = sequencer.Command{Kind: sequencer.KindPayCaptured, Order: orderSeq(l.words[0]), Attempt: uint8(number(l.words[1])), Amount: number(l.words[2])}
	case "bounced":
		c = sequencer.Command{Kind: sequencer.KindPayBounced, Order: orderSeq(l.words[0]), Attempt: uint8(number(l.words[1])), Count: uint32(number(l.words[2])),
			Reason: reasonNamed(l.options["reason"]), Part: partOption(l)}
	case "acknowledge":
		c = sequencer.Command{Kind: sequencer.KindAcknowledge, Order: orderSeq(l.words[0]), Attempt: uint8(number(l.words[1])), Body: []byte(l.words[2]), Part: partOption(l)}
	case "accept":
		c = sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte(l.words[0]), Body: []byte(l.words[1])}
	case "settle":
		c = sequencer.Command{Kind: sequencer.KindSettle, Order: orderSeq(l.words[0]), Attempt: uint8(number(l.words[1])), Outcome: outcomeNamed(l.words[2]),
			Amount: number(l.words[3]), Body: []byte(l.words[4]), Part: partOption(l)}
	case "disputed":
		c = sequencer.Command{Kind: sequencer.KindPayDisputed, Order: orderSeq(l.words[0]), Attempt: uint8(number(l.words[1])), Dispute: disputeNamed(l.words[2]),
			Amount: number(l.words[3]), Count: uint32(clockOrNumber(l.words[4]))}
	case "withdraw":
		c = sequencer.Command{Kind: sequencer.KindWithdraw, Order: orderSeq(l.words[0])}
		shareOptions(l, &c)
	case "refund":
		c = sequencer.Command{Kind: sequencer.KindRefund, Order: orderSeq(l.words[0])}
		shareOptions(l, &c)
		if text, given := l.options["tickets"]; given {
			c.Body = ticketNames(text)
		}
	case "level":
		c = sequencer.Command{Kind: sequencer.KindLevel, Amount: number(l.words[0])}
	case "outage":
		c = sequencer.Command{Kind: sequencer.KindOutage, Order: uint64(clockOrNumber(l.words[0])), Amount: clockOrNumber(l.words[1]), Count: seconds(l.words[2])}
	case "hold-stop":
		c = sequencer.Command{Kind: sequencer.KindHoldStop, Count: seconds(l.words[0])}
	case "hold-go":
		c = sequencer.Command{Kind: sequencer.KindHoldGo}
	case "session":
		c = sequencer.Command{Kind: sequencer.KindSessionOpen}
	case "forward":
		c = sequencer.Command{Kind: sequencer.KindForward, Order: orderSeq(l.words[0]), Amount: number(l.words[1]), Count: uint32(number(l.words[2]))}
	case "raw":
		c = rawCommand(l.words)
	default:
		c = b.saleCommand(l)
	}
	return c, nil
}

func (b builder) buy(l line) sequencer.Command {
	c := sequencer.Command{Kind: sequencer.KindBuy, User: []byte(l.words[0]), Quantity: uint8(number(l.words[1])), Sale: 1}
	for name, value := range l.options {
		switch name {
		case "min":
			c.Min = uint8(number(value))
		case "reference":
			c.Reference = []byte(value)
		case "key":
			c.Key = sequencer.DigestKey(c.User, []byte(value))
		case "sale":
			c.Sale = b.number(value)
		default:
			panic("no option " + name)
		}
	}
	return c
}

// shareOptions reads of how much of an order a cancel or refund is, and the part's key.
func shareOptions(l line, c *sequencer.Command) {
	if text, given := l.options["quantity"]; given {
		c.Quantity = uint8(number(text))
	}
	if key, given := l.options["key"]; given {
		c.Key = sequencer.DigestKey(nil, []byte(key))
	}
}

// ticketNames reads the numbers of tickets.
func ticketNames(text string) []byte {
	var numbers []uint32
	for word := range strings.SplitSeq(text, ",") {
		numbers = append(numbers, uint32(number(word)))
	}
	return sequencer.AppendTicketNames(nil, numbers)
}

// partOption reads of which part of an order a command is; 0 for none.
func partOption(l line) uint8 {
	if text, given := l.options["part"]; given {
		return uint8(number(text))
	}
	return 0
}

// birthCommand reads a cluster id in hexadecimal, the cause by name or number, and the time
// as a clock's or in nanoseconds.
func birthCommand(l line) sequencer.Command {
	c := sequencer.Command{Kind: sequencer.KindBirth}
	id, err := hex.DecodeString(l.words[0])
	mustParse(err)
	copy(c.Key[:], id)

	for cause := sequencer.BirthNew; cause <= sequencer.BirthCopy; cause++ {
		if cause.String() == l.words[1] {
			c.Count = uint32(cause)
		}
	}
	if c.Count == 0 {
		c.Count = uint32(number(l.words[1]))
	}
	c.Amount = clockOrNumber(l.words[2])
	return c
}

// clockOrNumber reads a time as a clock's or in nanoseconds.
func clockOrNumber(word string) int64 {
	if !strings.Contains(word, ":") {
		return number(word)
	}
	at, err := parseClock(word)
	mustParse(err)
	return at
}

// disputeNamed reads a status by name or number.
func disputeNamed(word string) sequencer.DisputeStatus {
	for status := range sequencer.DisputeStatusMax + 1 {
		if status.String() == word {
			return status
		}
	}
	return sequencer.DisputeStatus(number(word))
}

// seconds reads a duration, or a number of seconds.
func seconds(word string) uint32 {
	if d, err := time.ParseDuration(word); err == nil {
		return uint32(d / time.Second)
	}
	return uint32(number(word))
}

func (b builder) saleCommand(l line) sequencer.Command {
	c := sequencer.Command{Kind: scenario.SaleVerbs[l.verb]}
	switch c.Kind {
	case 0:
		panic("no command " + l.verb)
	case sequencer.KindSaleCreate:
		c.Body = specBody(defaultSpec(l.words[0]), l.options)
		return c
	case sequencer.KindSaleUpdate:
		view, _ := b.sale(l.words[0])
		c.Revision = revisionOption(l.options)
		c.Body = specBody(view.SaleSpec, l.options)
	case sequencer.KindSaleQuantity, sequencer.KindSaleRelease:
		c.Amount = number(l.words[1])
		c.Revision = revisionOption(l.options)
	case sequencer.KindSalePause, sequencer.KindSaleResume:
		c.Revision = revisionOption(l.options)
	case sequencer.KindSaleExtend:
		c.Amount = int64(duration(l.words[1]))
		c.Revision = revisionOption(l.options)
	}
	c.Sale = b.number(l.words[0])
	return c
}

// revisionOption takes the revision that a seller saw out of the options.
func revisionOption(options map[string]string) uint32 {
	text, given := options["revision"]
	delete(options, "revision")
	if !given {
		return 0
	}
	return uint32(number(text))
}

// number returns the number of a sale that is given by id or by number.
func (b builder) number(name string) uint16 {
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		return uint16(n)
	}
	view, known := b.sale(name)
	if !known {
		panic("no sale " + name)
	}
	return view.Number
}

func defaultSpec(id string) sequencer.SaleSpec {
	return sequencer.SaleSpec{
		ID: id, Item: "ticket", Quantity: 10, Cap: 2, Price: 1000, Currency: "EUR",
		StartsAt: scenario.DayStart, Hold: int64(time.Hour), Grace: int64(10 * time.Minute),
	}
}

func specBody(s sequencer.SaleSpec, options map[string]string) []byte {
	for name, value := range options {
		switch name {
		case "id":
			s.ID = value
		case "item":
			s.Item = value
		case "quantity":
			s.Quantity = uint32(number(value))
		case "cap":
			s.Cap = uint8(number(value))
		case "waitlist":
			s.Waitlist = uint32(number(value))
		case "price":
			s.Price = number(value)
		case "currency":
			s.Currency = value
		case "starts":
			if value == "now" {
				s.StartsAt = 0
				continue
			}
			at, err := parseClock(value)
			mustParse(err)
			s.StartsAt = at
		case "hold":
			s.Hold = int64(duration(value))
		case "promoted-hold":
			s.PromotedHold = int64(duration(value))
		case "grace":
			s.Grace = int64(duration(value))
		case "skip-unfit":
			s.SkipUnfit = value == "yes"
		case "test":
			s.Test = value == "yes"
		case "buys-per-second":
			s.BuysPerSecond = uint32(number(value))
		case "pseudonyms":
			id, err := strconv.ParseUint(value, 16, 32)
			if err != nil {
				panic(err)
			}
			s.PseudonymKey = sequencer.PseudonymKeyID(id)
		case "expired-holds":
			s.ExpiredHoldsMax = uint8(number(value))
		case "cool-down":
			s.CoolDown = int64(duration(value))
		case "zone":
			s.Zone = value
		default:
			panic("no option " + name)
		}
	}
	return sequencer.AppendSaleSpec(nil, &s)
}

// rawCommand takes the bytes of an encoded command after its length, decoded as
// a replica would: what is malformed has kind 0.
func rawCommand(words []string) sequencer.Command {
	fields, err := hex.DecodeString(strings.Join(words, ""))
	mustParse(err)
	encoded := make([]byte, sequencer.BatchHeaderBytes, sequencer.BatchHeaderBytes+2+len(fields))
	encoded = append(encoded, byte(len(fields)), byte(len(fields)>>8))
	encoded = append(encoded, fields...)
	sequencer.PutBatchHeader(encoded, 0, 1)
	var b sequencer.Batch
	mustParse(sequencer.DecodeBatch(encoded, &b))
	return b.Commands[0]
}

func orderSeq(word string) uint64 {
	seq, err := strconv.ParseUint(strings.TrimPrefix(word, "#"), 10, 64)
	mustParse(err)
	return seq
}

func number(word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	mustParse(err)
	return n
}

func duration(word string) time.Duration {
	d, err := time.ParseDuration(word)
	mustParse(err)
	return d
}

func outcomeNamed(word string) sequencer.PayOutcome {
	for o := sequencer.PayAccepted; o <= sequencer.PayRefunded; o++ {
		if o.String() == word {
			return o
		}
	}
	return sequencer.PayOutcome(number(word))
}

func reasonNamed(word string) sequencer.PayReason {
	for r := sequencer.ReasonNone; r <= sequencer.PayReasonMax; r++ {
		if r.String() == word {
			return r
		}
	}
	return sequencer.PayReason(number(word))
}

func mustParse(err error) {
	if err != nil {
		panic(err)
	}
}
