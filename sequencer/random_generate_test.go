package sequencer_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"onsale/audit/naive"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// generator makes random batches that like to sit on borders: small sales, few
// users, short holds, and orders that are picked again and again. It looks at a
// model of its own to ask for what is just possible, or just not.
type generator struct {
	random  *rand.Rand
	model   *naive.Model
	users   []string
	keys    map[sequencer.KeyDigest]string // names of the keys that were used
	past    []sequencer.Command            // buys with a key
	parts   []sequencer.Command            // cancels and refunds of a part, with a key
	now     int64
	orders  []uint64 // all that were made, by seq
	focus   uint64   // an order that is picked more than others
	calm    bool     // no sale is closed or cancelled for a long time
	named   int      // how many users there were
	opened  []uint64 // sessions
	sent    uint64   // number of the newest forwarded batch
	born    int      // how many births were made
	staying bool     // most charges are under the first account
}

func newGenerator(seed uint64) *generator {
	g := &generator{
		random: rand.New(rand.NewPCG(seed, 1)), model: naive.New(),
		keys: map[sequencer.KeyDigest]string{}, now: scenario.DayStart + int64(time.Minute),
	}
	for range g.between(1, 10) {
		g.users = append(g.users, g.newUser())
	}
	g.users = append(g.users, "z", strings.Repeat("x", sequencer.UserBytesMax), "günther")
	g.calm, g.staying = g.oneIn(2), g.oneIn(2)
	return g
}

func (g *generator) oneIn(n int) bool { return g.random.IntN(n) == 0 }

// between returns a number from low to high, often one of the two.
func (g *generator) between(low, high int) int {
	switch g.random.IntN(4) {
	case 0:
		return low
	case 1:
		return high
	}
	return low + g.random.IntN(max(high-low+1, 1))
}

// batch makes the next batch. The commands of one batch cannot yet see what
// became of the others of it.
func (g *generator) batch(commands int) sequencer.Batch {
	switch g.random.IntN(12) {
	case 0:
		g.now -= int64(g.between(1, 5000)) * int64(time.Millisecond)
	case 1, 2, 3:
		g.now += int64(g.between(0, 3000)) * int64(time.Millisecond)
	case 4:
		g.now = g.model.Now() + int64(g.between(1, 20))*int64(time.Second)
	case 5:
		g.now = g.deadlineOf(g.pickOrder()) - int64(g.between(0, 1))
	default:
		g.now += int64(g.between(0, 20)) * int64(time.Millisecond)
	}
	g.now = max(g.now, scenario.DayStart)
	b := sequencer.Batch{Time: g.now}
	if g.model.Seq() == 0 && g.oneIn(3) || g.oneIn(150) {
		return g.birth()
	}
	if g.oneIn(60) {
		return g.outage()
	}
	for range commands {
		b.Commands = append(b.Commands, g.command())
	}
	if g.oneIn(6) {
		b.Commands = g.forwarded(b.Commands)
	}
	if g.oneIn(40) {
		b.Commands = g.rejections(b.Commands, g.pickOrder())
	}
	if g.oneIn(1000) {
		b.Commands = append(b.Commands, g.manyAccounts()...)
	}
	if g.oneIn(100) {
		b.Commands = append(b.Commands, g.regular(g.pickSale(), g.pickUser())...)
	}
	return b
}

// forwarded makes a part of the batch one that a front-end sent: in its turn, again,
// out of turn, of a session that never was, nested in another, or longer than the
// batch.
func (g *generator) forwarded(commands []sequencer.Command) []sequencer.Command {
	if len(g.opened) == 0 || g.oneIn(10) {
		return append(commands, sequencer.Command{Kind: sequencer.KindSessionOpen})
	}
	at := g.random.IntN(len(commands) + 1)
	c := sequencer.Command{Kind: sequencer.KindForward, Order: g.opened[g.random.IntN(len(g.opened))], Count: uint32(g.between(0, len(commands)-at+2))}
	switch g.random.IntN(8) {
	case 0:
		c.Amount = int64(g.sent)
	case 1:
		c.Amount = int64(g.between(-1, int(g.sent)))
	case 2:
		c.Order++
		fallthrough
	default:
		g.sent += uint64(g.between(1, 3))
		c.Amount = int64(g.sent)
	}
	commands = append(commands[:at], append([]sequencer.Command{c}, commands[at:]...)...)
	if g.oneIn(10) {
		return g.forwarded(commands)
	}
	return commands
}

// rejections pays an order again and again, and has every attempt rejected.
func (g *generator) rejections(commands []sequencer.Command, order uint64) []sequencer.Command {
	view, _ := g.model.Order(order)
	sale, _ := g.model.Sale(view.Sale)
	for attempt := view.Attempts + 1; attempt <= sequencer.DeclinesFree+1; attempt++ {
		commands = append(commands,
			g.charged(sequencer.Command{Kind: sequencer.KindPayBegin, Order: order, User: []byte(view.User), Amount: sale.Price * int64(view.Quantity)}),
			sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: attempt, Outcome: sequencer.PayRejected})
	}
	return commands
}

// birth makes a batch that is one, or just not.
func (g *generator) birth() sequencer.Batch {
	id := sequencer.KeyDigest{byte(g.born), byte(g.born >> 8), 1}
	g.born++
	c := sequencer.Command{Kind: sequencer.KindBirth, Key: id, Amount: max(g.now, g.model.Now()), Count: uint32(g.between(2, 3))}
	if g.model.Seq() == 0 {
		c.Count = uint32(sequencer.BirthNew)
	}
	switch g.random.IntN(12) {
	case 0:
		c.Key = sequencer.KeyDigest{}
	case 1:
		c.Amount -= int64(g.between(1, 100)) * int64(time.Second)
	case 2:
		c.Count = uint32(g.between(0, 5))
	case 3:
		c.Count = uint32(sequencer.BirthCopy)
	case 4:
		c.Key = sequencer.KeyDigest{byte(max(g.born-2, 0)), byte(max(g.born-2, 0) >> 8), 1}
	case 5, 6:
		c.Amount += int64(g.between(0, 200)) * int64(time.Second)
	}
	b := sequencer.Batch{Time: g.model.Now(), Commands: []sequencer.Command{c}}
	if g.oneIn(10) {
		b.Commands = append(b.Commands, g.command())
	}
	return b
}

// outage makes a batch that is one, or just not.
func (g *generator) outage() sequencer.Batch {
	now := g.model.Now()
	c := sequencer.Command{Kind: sequencer.KindOutage, Order: uint64(now), Amount: now + int64(g.between(1, 30_000))*int64(time.Millisecond), Count: uint32(g.between(0, 30))}
	b := sequencer.Batch{Time: now}
	switch g.random.IntN(12) {
	case 0:
		c.Order += uint64(g.between(0, 2)) - 1
	case 1:
		c.Amount = now - int64(g.between(0, 1))
	case 2:
		c.Amount = sequencer.TimeMax + 1
	case 3:
		b.Commands = append(b.Commands, g.command())
	}
	b.Commands = append(b.Commands, c)
	g.now = max(g.now, min(c.Amount, now+int64(time.Minute)))
	return b
}

// nameIn is how a user is known in a sale, rarely in another one.
func (g *generator) nameIn(sale uint16, user []byte) []byte {
	view, _ := g.model.Sale(sale)
	id := view.PseudonymKey
	if len(g.past)%40 == 1 {
		id = (id + 1) % 3
	}
	if id == 0 {
		return user
	}
	sum := sha256.Sum256(user)
	return fmt.Appendf(nil, "p1.%s.%s", id, base64.RawURLEncoding.EncodeToString(sum[:20]))
}

// regular buys as often as a user may buy in a roomy sale, and once more.
func (g *generator) regular(sale uint16, user []byte) (commands []sequencer.Command) {
	if view, _ := g.model.Sale(sale); view.Cap < sequencer.CapMax {
		return nil
	}
	for range sequencer.OrdersPerUserMax + 1 {
		c := sequencer.Command{Kind: sequencer.KindBuy, Sale: sale, User: g.nameIn(sale, user), Quantity: 1}
		if g.oneIn(2) {
			g.withKey(&c)
		}
		commands = append(commands, c)
	}
	return commands
}

// learn lets the generator see a batch's outcome.
func (g *generator) learn(b *sequencer.Batch) {
	for _, r := range g.model.Apply(b).Results {
		if r.Kind == sequencer.KindSessionOpen && r.Code == sequencer.CodeOK {
			g.opened = append(g.opened, r.Seq)
		}
		if r.Kind == sequencer.KindBuy && r.Order != 0 && !r.Replayed {
			g.orders = append(g.orders, r.Order)
		}
	}
}

// orderWith is mostly one of which something is so.
func (g *generator) orderWith(is func(*sequencer.OrderView) bool) (order uint64) {
	for range 32 {
		order = g.pickOrder()
		if view, _ := g.model.Order(order); is(&view) || g.oneIn(50) {
			break
		}
	}
	return order
}

// payBounced is about a refund that is under way or was taken, mostly.
func (g *generator) payBounced() sequencer.Command {
	order := g.orderWith(func(v *sequencer.OrderView) bool { return v.VoidsDue|v.Voided != 0 || len(v.Parts) > 0 })
	view, _ := g.model.Order(order)
	attempt := uint8(bits.TrailingZeros32(view.VoidsDue|view.Voided|1<<uint(g.between(0, 3)))) + 1
	count := 1 + view.Bounced>>(attempt-1)&1
	if g.oneIn(4) {
		count = uint32(g.between(0, 3))
	}
	part := g.part(&view)
	if part != 0 && int(part) <= len(view.Parts) && !g.oneIn(4) {
		attempt, count = view.Attempts, uint32(view.Parts[part-1].Fails)+1
	}
	return sequencer.Command{Kind: sequencer.KindPayBounced, Order: order, Attempt: attempt, Count: count, Reason: sequencer.PayReason(g.between(8, 14)), Part: part}
}

// charged says under which account a pay_begin is: mostly the accepted one.
func (g *generator) charged(c sequencer.Command) sequencer.Command {
	c.Reference = []byte(g.model.Account())
	if len(c.Reference) == 0 || g.oneIn(30) {
		c.Reference = g.accountName()
	}
	if free := c.Amount <= 0; free != g.oneIn(100) {
		c.Reference = nil
	}
	return c
}

func (g *generator) accountName() []byte {
	if g.oneIn(30) {
		return [][]byte{{}, []byte(strings.Repeat("a", sequencer.AccountBytesMax+1)), []byte("a b"), {0x7f}}[g.random.IntN(4)]
	}
	return fmt.Appendf(nil, "a%d", g.between(1, 4))
}

// accept lets an operator accept an account, now and then so many that there is no room.
func (g *generator) accept() sequencer.Command {
	c := sequencer.Command{Kind: sequencer.KindAccept, Reference: g.accountName(), Actor: g.actor(), Body: []byte("sold"[:g.between(0, 4)])}
	if g.staying && g.model.Account() != "" && !g.oneIn(20) {
		c.Reference = []byte(g.model.Account())
	}
	return c
}

// manyAccounts accepts more accounts than a cluster may have, and the first again.
func (g *generator) manyAccounts() (commands []sequencer.Command) {
	for i := range sequencer.AccountsMax + 1 {
		commands = append(commands, sequencer.Command{Kind: sequencer.KindAccept, Reference: fmt.Appendf(nil, "m%d", i), Body: []byte("x")})
	}
	return append(commands, sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte("m0"), Body: []byte("x")})
}

// acknowledge takes note of what failed of an order, mostly.
func (g *generator) acknowledge(order uint64) sequencer.Command {
	view, _ := g.model.Order(order)
	c := sequencer.Command{Kind: sequencer.KindAcknowledge, Order: order, Attempt: view.Attempts, Body: []byte("in cash"[:g.between(0, 7)])}
	if view.Failed != 0 && !g.oneIn(4) {
		c.Attempt = uint8(bits.TrailingZeros32(view.Failed)) + 1
		return c
	}
	if c.Part = g.part(&view); g.oneIn(8) {
		c.Attempt = uint8(g.between(0, 3))
	}
	return c
}

// settle is an operator's word on money that is unsettled, mostly under another account, or on what
// was settled, said late.
func (g *generator) settle() sequencer.Command {
	order := g.orderWith(func(v *sequencer.OrderView) bool {
		unsettled := v.State == sequencer.StatePaying || v.CaptureDue || v.VoidsDue != 0 || v.PartTickets(sequencer.PartDue) > 0
		return v.Attempts > 0 && (unsettled || g.oneIn(100)) && g.model.AccountOf(v.Seq, v.Attempts) != g.model.Account()
	})
	view, _ := g.model.Order(order)
	c := sequencer.Command{Kind: sequencer.KindSettle, Order: order, Attempt: view.Attempts, Actor: g.actor(), Body: []byte("in cash"[:g.between(0, 7)])}
	c.Outcome = []sequencer.PayOutcome{sequencer.PayAccepted, sequencer.PayCancelled, sequencer.PayRefunded}[g.random.IntN(3)]
	if g.oneIn(20) {
		c.Outcome = sequencer.PayOutcome(g.between(0, 6))
	}
	if c.Outcome == sequencer.PayRefunded && view.VoidsDue != 0 {
		c.Attempt = uint8(bits.TrailingZeros32(view.VoidsDue)) + 1
	}
	if g.oneIn(6) {
		c.Attempt = uint8(g.between(0, int(view.Attempts)+1))
	}
	if c.Outcome == sequencer.PayRefunded || g.oneIn(30) {
		c.Part = g.part(&view)
	}
	c.Amount = g.moved(&c, &view)
	return c
}

// moved is how much a word is about, mostly.
func (g *generator) moved(c *sequencer.Command, v *sequencer.OrderView) int64 {
	sale, _ := g.model.Sale(v.Sale)
	tickets := v.TakenTickets()
	switch {
	case c.Part > 0 && int(c.Part) <= len(v.Parts):
		tickets = int64(v.Parts[c.Part-1].Quantity)
	case c.Outcome == sequencer.PayCancelled:
		tickets = 0
	case c.Outcome == sequencer.PayRefunded && c.Attempt > 0:
		tickets = v.RestOf(c.Attempt)
	case v.State != sequencer.StatePaid && v.State != sequencer.StateRefunded && c.Attempt > 0:
		tickets = v.TicketsOf(c.Attempt)
	}
	if g.oneIn(8) {
		tickets = int64(g.between(0, 3))
	}
	return sale.Price * tickets
}

// part returns the number of a part of an order, or of none.
func (g *generator) part(v *sequencer.OrderView) uint8 {
	if len(v.Parts) == 0 || g.oneIn(4) {
		return uint8(g.between(0, 1) * g.between(0, 1))
	}
	return uint8(g.between(1, len(v.Parts)))
}

// payDisputed is about accepted money, mostly: known to be captured, or not.
func (g *generator) payDisputed() sequencer.Command {
	order := g.orderWith((*sequencer.OrderView).WasPaid)
	view, _ := g.model.Order(order)
	return sequencer.Command{Kind: sequencer.KindPayDisputed, Order: order, Attempt: view.Attempts + uint8(g.between(0, 8)/8),
		Dispute: sequencer.DisputeStatus(g.between(0, 5)), Amount: int64(g.between(0, 2)), Count: uint32(g.between(0, 1)) * 1_780_272_000}
}

func (g *generator) command() sequencer.Command {
	if g.model.SaleCount() == 0 {
		return g.create()
	}
	switch n := g.random.IntN(1001); {
	case n < 520:
		return g.buy()
	case n < 580:
		order := g.pickOrder()
		c := sequencer.Command{Kind: sequencer.KindCancel, Order: order, User: g.userOf(order)}
		return g.share(c)
	case n < 600:
		return g.share(sequencer.Command{Kind: sequencer.KindWithdraw, Order: g.pickOrder(), Actor: g.actor()})
	case n < 725:
		return g.payBegin()
	case n < 740:
		return g.payCalled()
	case n < 890:
		return g.payResult()
	case n < 895:
		return g.payBounced()
	case n < 897:
		order := g.orderWith(func(v *sequencer.OrderView) bool { return v.Failed != 0 || v.PartTickets(sequencer.PartFailed) > 0 })
		return g.acknowledge(order)
	case n < 898 || n < 899 && g.oneIn(2):
		return g.payDisputed()
	case n < 899:
		return g.accept()
	case n < 902:
		return g.settle()
	case n < 905:
		return sequencer.Command{Kind: sequencer.KindPayVoided, Order: g.pickOrder(), Attempt: uint8(g.between(0, 3)), Outcome: sequencer.PayOutcome(g.between(3, 6)), Part: uint8(g.between(0, 2) * g.between(0, 1))}
	case n < 920:
		order := g.pickOrder()
		view, _ := g.model.Order(order)
		return sequencer.Command{Kind: sequencer.KindPayCaptured, Order: order, Attempt: view.Attempts + uint8(g.between(0, 1)), Amount: g.taken(&view)}
	case n < 922:
		return g.nameAnother()
	case n < 940:
		return g.share(sequencer.Command{Kind: sequencer.KindRefund, Order: g.pickPaid()})
	case n < 990:
		return g.saleCommand()
	case n < 993:
		c := sequencer.Command{Kind: sequencer.KindSaleExtend, Sale: g.pickSale(), Amount: int64(g.between(0, 2)) * int64(time.Second)}
		if view, _ := g.model.Sale(c.Sale); g.oneIn(3) {
			c.Revision = view.Revision - uint32(g.between(0, 1))
		}
		return c
	}
	switch n := g.random.IntN(40); {
	case n >= 30:
		return sequencer.Command{Kind: sequencer.KindHoldGo}
	case n >= 20:
		return sequencer.Command{Kind: sequencer.KindHoldStop, Count: uint32(g.between(0, 20))}
	case n == 10:
		return sequencer.Command{Kind: sequencer.KindOutage, Order: uint64(g.model.Now()), Amount: g.now + 1, Count: 9}
	case n == 0:
		return sequencer.Command{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest{1}, Amount: g.now, Count: 2}
	case n < 3:
		return sequencer.Command{Kind: sequencer.KindLevel, Amount: int64(g.model.Level()) + int64(n), Actor: g.actor()}
	}
	return g.malformed()
}

// share makes a cancel or refund one of a part, now and then under a key that came before, or
// repeats one of the last.
func (g *generator) share(c sequencer.Command) sequencer.Command {
	if g.oneIn(2) {
		return c
	}
	if n := len(g.parts); n > 0 && g.oneIn(4) {
		return g.parts[n-1-g.random.IntN(min(n, 8))]
	}
	view, _ := g.model.Order(c.Order)
	c.Quantity = uint8(g.between(0, int(view.Quantity)))
	if g.oneIn(20) {
		c.Quantity = view.Quantity + 1
	}
	if c.Quantity != 0 && g.oneIn(2) {
		name := fmt.Sprintf("p%d", g.random.IntN(4))
		c.Key = sequencer.DigestKey(nil, []byte(name))
		g.keys[c.Key] = name
		g.parts = append(g.parts, c)
	}
	return g.naming(c, &view)
}

// naming lets the refund of a part name tickets, now and then: mostly ones that the order has.
func (g *generator) naming(c sequencer.Command, view *sequencer.OrderView) sequencer.Command {
	if c.Kind != sequencer.KindRefund || c.Quantity == 0 || len(view.Tickets) == 0 || g.oneIn(2) {
		return c
	}
	var names []uint32
	for _, i := range g.random.Perm(len(view.Tickets))[:min(int(c.Quantity), len(view.Tickets))] {
		names = append(names, view.Tickets[i].Number)
	}
	slices.Sort(names)
	switch {
	case g.oneIn(6):
		names[g.random.IntN(len(names))] += uint32(g.between(1, 3))
	case g.oneIn(20):
		slices.Reverse(names)
	case g.oneIn(30):
		names = names[1:]
	}
	c.Body = sequencer.AppendTicketNames(nil, names)
	return c
}

// taken returns what was captured of an order: as it is now, or was before its newest parts
// were refunded; or another amount.
func (g *generator) taken(v *sequencer.OrderView) int64 {
	sale, _ := g.model.Sale(v.Sale)
	tickets := int64(v.Quantity)
	for i := len(v.Parts) - 1; i >= 0 && g.oneIn(2); i-- {
		tickets += int64(v.Parts[i].Quantity)
	}
	if g.oneIn(20) {
		tickets++
	}
	return sale.Price * tickets
}

func (g *generator) buy() sequencer.Command {
	if len(g.past) > 0 && g.oneIn(8) {
		return g.buyAgain()
	}
	c := sequencer.Command{
		Kind: sequencer.KindBuy, Sale: g.pickSale(), User: g.pickUser(),
		Quantity: uint8(g.between(1, 4)),
	}
	c.User = g.nameIn(c.Sale, c.User)
	switch {
	case g.oneIn(3):
		c.Min = uint8(g.between(1, int(c.Quantity)))
	case g.oneIn(100):
		c.Min = c.Quantity + 1
	case g.oneIn(100):
		c.Quantity = 0
	}
	switch {
	case g.oneIn(8):
		c.Reference = fmt.Appendf(nil, "ref %d", g.random.IntN(3))
	case g.oneIn(200):
		c.Reference = [][]byte{{' ' - 1}, []byte(strings.Repeat("r", sequencer.ReferenceBytesMax+1)), []byte("~\x7f")}[g.random.IntN(3)]
	}
	if g.oneIn(3) {
		g.withKey(&c)
	}
	return c
}

// withKey gives a buy a new key, and remembers it.
func (g *generator) withKey(c *sequencer.Command) {
	name := fmt.Sprintf("k%d", len(g.keys))
	c.Key = sequencer.DigestKey(c.User, []byte(name))
	g.keys[c.Key] = name
	g.past = append(g.past, *c)
}

// buyAgain repeats a buy with its key, or uses the key for another one.
func (g *generator) buyAgain() sequencer.Command {
	c := g.past[g.random.IntN(len(g.past))]
	switch g.random.IntN(8) {
	case 0:
		c.Quantity++
	case 1:
		c.Sale = g.pickSale()
	case 2:
		c.Min = uint8(g.between(0, int(c.Quantity)))
	case 3:
		c.Reference = []byte("another")
	}
	return c
}

func (g *generator) payBegin() sequencer.Command {
	order := g.pickOrder()
	c := sequencer.Command{Kind: sequencer.KindPayBegin, Order: order, User: g.userOf(order)}
	view, _ := g.model.Order(order)
	sale, _ := g.model.Sale(view.Sale)
	c.Amount = sale.Price * int64(view.Quantity)
	if g.oneIn(12) {
		c.Amount++
	}
	if c.Amount > 0 && g.oneIn(3) || g.oneIn(200) {
		c.Count = uint32(g.between(1, 20))
	}
	if g.oneIn(200) {
		c.Count = sequencer.LineSecondsMax + uint32(g.between(0, 1))
	}
	return g.charged(c)
}

// payCalled is about an attempt that stands in the line, mostly.
func (g *generator) payCalled() sequencer.Command {
	order := g.orderWith(func(v *sequencer.OrderView) bool { return v.Lined })
	view, _ := g.model.Order(order)
	c := sequencer.Command{Kind: sequencer.KindPayCalled, Order: order, Attempt: view.Attempts}
	if g.oneIn(12) {
		c.Attempt = uint8(g.between(0, int(view.Attempts)+1))
	}
	return c
}

func (g *generator) payResult() sequencer.Command {
	order := g.pickOrder()
	view, _ := g.model.Order(order)
	c := sequencer.Command{
		Kind: sequencer.KindPayResult, Order: order, Attempt: view.Attempts,
		Outcome: sequencer.PayOutcome(g.between(1, 4)),
	}
	if c.Outcome == sequencer.PayRejected || g.oneIn(40) {
		c.Reason = sequencer.PayReason(g.between(0, int(sequencer.PayReasonMax)))
		if g.oneIn(3) {
			c.Outcome, c.Reason = sequencer.PayCancelled, sequencer.ReasonUnavailable
		}
		if g.oneIn(60) {
			c.Reason = sequencer.PayReasonMax + 1
		}
	}
	switch {
	case g.oneIn(4):
		c.Attempt = uint8(g.between(0, int(view.Attempts)+1))
	case g.oneIn(60):
		c.Outcome = sequencer.PayOutcome(g.between(0, 9))
	}
	return c
}

// pickOrder returns an order's seq: mostly the one in focus or a recent one,
// rarely a seq that made none.
func (g *generator) pickOrder() uint64 {
	newest := g.model.Seq()
	switch g.random.IntN(12) {
	case 0:
		return newest + uint64(g.between(0, 3)) // perhaps one of this batch
	case 1:
		return g.random.Uint64N(newest + 1)
	case 2:
		g.focus = 0
	}
	if len(g.orders) > 0 && (g.focus == 0 || g.oneIn(3)) {
		recent := g.random.IntN(min(len(g.orders), g.between(1, 30)))
		g.focus = g.orders[len(g.orders)-1-recent]
	}
	return g.focus
}

// nameAnother refunds one ticket, which may be another order's or none.
func (g *generator) nameAnother() sequencer.Command {
	c := sequencer.Command{Kind: sequencer.KindRefund, Order: g.pickPaid(), Quantity: 1}
	view, _ := g.model.Order(c.Order)
	first := uint32(1)
	if len(view.Tickets) > 0 {
		first = view.Tickets[0].Number
	}
	c.Body = sequencer.AppendTicketNames(nil, []uint32{first + uint32(g.between(0, 4))})
	return c
}

// pickPaid returns an order's seq: of a few one that is paid, if there is one.
func (g *generator) pickPaid() (order uint64) {
	for range 8 {
		order = g.pickOrder()
		if view, _ := g.model.Order(order); view.State == sequencer.StatePaid || g.oneIn(8) {
			break
		}
	}
	return order
}

func (g *generator) userOf(order uint64) []byte {
	if view, known := g.model.Order(order); known && !g.oneIn(30) {
		return []byte(view.User)
	}
	return g.pickUser()
}

func (g *generator) deadlineOf(order uint64) int64 {
	view, _ := g.model.Order(order)
	sale, _ := g.model.Sale(view.Sale)
	if view.Overdue || g.oneIn(2) {
		return view.Deadline + sale.Grace
	}
	return view.Deadline
}

func (g *generator) pickUser() []byte {
	if g.oneIn(150) {
		return [][]byte{{}, []byte(strings.Repeat("y", sequencer.UserBytesMax+1)), {'a', 0xff}}[g.random.IntN(3)]
	}
	i := min(g.random.IntN(len(g.users)), g.random.IntN(len(g.users)))
	user := []byte(g.users[i])
	if made := g.model.OrdersOf(user, 0, sequencer.OrdersPerUserMax); len(made) == sequencer.OrdersPerUserMax && g.oneIn(20) {
		g.users[i] = g.newUser() // who has that many orders has little left to show
	}
	return user
}

func (g *generator) newUser() string {
	g.named++
	return fmt.Sprintf("u%d", g.named-1)
}

// pickSale returns a sale's number: mostly one that still sells, if there is one.
func (g *generator) pickSale() uint16 {
	if g.oneIn(100) {
		return uint16(g.between(0, g.model.SaleCount()+1))
	}
	number := uint16(1 + g.random.IntN(max(g.model.SaleCount(), 1)))
	if open := g.openSales(); len(open) > 0 && !g.oneIn(20) {
		number = open[g.random.IntN(len(open))]
	}
	return number
}

// openSales returns the numbers of the sales that are not closed.
func (g *generator) openSales() (open []uint16) {
	for number := uint16(1); int(number) <= g.model.SaleCount(); number++ {
		if view, _ := g.model.Sale(number); !view.Closed {
			open = append(open, number)
		}
	}
	return open
}
