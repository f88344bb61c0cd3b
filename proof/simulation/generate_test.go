package simulation

import (
	"math/rand/v2"

	"onsale/sequencer"
)

// generator draws the steps of a run from its seed. It looks at the world, to ask for
// what is just possible, and keeps to a few sales and users at a time, so that they
// get into each other's way.
type generator struct {
	random *rand.Rand
	world  *world
	steps  []step // all that were drawn, in order
	queue  []step // from head on, to be drawn next
	head   int
	nextID int32
	users  int32 // the newest user; older ones leave, because one user may make few orders
	faults int   // one step in so many is a fault
	away   int32 // a node that hears little for a while; -1 for none
	keys   int32
	raised int32   // how often the level was raised, at most
	buys   []int32 // ids of the newest buys
	pays   []int32 // ids of the newest payments
	// insists says that a user is still to try out cards.
	insists bool
	// moves says that the provider's account changes; names, that too many are still to be accepted.
	moves, names bool
}

func newGenerator(seed uint64) *generator {
	g := &generator{random: rand.New(rand.NewPCG(seed, 1)), users: 8, away: -1}
	nodes := 3
	if g.oneIn(4) {
		nodes = 5
	}
	g.faults = 40 + g.random.IntN(200)
	g.insists = g.oneIn(20)
	g.moves, g.names = movesOf(seed)
	g.push(verbNodes, int32(nodes))
	g.push(verbElect, 0)
	g.create()
	return g
}

func (g *generator) oneIn(n int) bool   { return g.random.IntN(n) == 0 }
func (g *generator) upTo(n int) int32   { return g.random.Int32N(int32(max(n, 1))) }
func (g *generator) newest(n int) int32 { return max(g.nextID-1-g.upTo(n), 0) }

// flag is 1 in one of n cases.
func (g *generator) flag(n int) int32 {
	if g.oneIn(n) {
		return 1
	}
	return 0
}

func (g *generator) push(v verb, n ...int32) {
	s := step{verb: v}
	copy(s.n[:], n)
	g.queue = append(g.queue, s)
}

func (g *generator) id() int32 {
	g.nextID++
	return g.nextID - 1
}

// next draws a step.
func (g *generator) next() step {
	for g.head == len(g.queue) {
		g.queue, g.head = g.queue[:0], 0
		g.draw()
	}
	s := g.queue[g.head]
	g.head++
	g.steps = append(g.steps, s)
	return s
}

func (g *generator) draw() {
	switch n := g.random.IntN(1000); {
	case g.oneIn(g.faults):
		g.fault()
	case g.insists && g.oneIn(1000):
		g.insists = false
		g.insist()
	case g.moves && g.oneIn(500):
		g.account()
	case g.moves && g.world.isMoved() && g.oneIn(60):
		g.backToBusiness()
	case g.moves && g.oneIn(200):
		g.push(verbByHand, g.id(), g.elsewhereID())
	case g.names && g.oneIn(1000):
		g.names = false
		g.manyAccounts()
	case n < 520:
		g.command()
	case n < 600:
		g.commit()
	case n < 640:
		g.push(verbReplicate, g.node(), g.anyNode(), 1+g.upTo(4), g.flag(5))
	case n < 670:
		g.push(verbApply, g.anyNode(), 1+g.upTo(3), g.flag(5))
	case n < 680:
		g.push(verbPropose, g.anyNode())
	case n < 740:
		g.time()
	case n < 780:
		g.push(verbForward, g.upTo(2), g.node())
	case n < 867:
		g.push(verbSettle, g.node(), g.upTo(64), g.flag(5), g.flag(6))
	case n < 869:
		g.push(verbBounce, g.upTo(64), g.flag(2), g.flag(3))
	case n < 870:
		g.push(verbDispute, g.upTo(64), 1+g.upTo(int(sequencer.DisputeStatusMax)), g.flag(3))
	default:
		g.pay()
	}
}

// node is mostly the leader.
func (g *generator) node() int32 {
	if g.world.leader == nil || g.oneIn(12) {
		return g.anyNode()
	}
	return int32(g.world.leader.id)
}

func (g *generator) anyNode() int32 { return g.upTo(len(g.world.replicas)) }

// door is mostly the leader, often a front-end.
func (g *generator) door() int32 {
	if g.oneIn(4) {
		return int32(len(g.world.replicas)) + g.upTo(2)
	}
	return g.node()
}

// commit is how it goes when nothing fails: a batch, sent to all, decided by all.
func (g *generator) commit() {
	leader, nodes := g.node(), len(g.world.replicas)
	g.push(verbPropose, leader)
	for n := range int32(nodes) {
		if n != leader && n != g.away {
			g.push(verbReplicate, leader, n, 8, g.flag(20))
		}
	}
	g.push(verbApply, leader, 8, g.flag(12))
	for n := range int32(nodes) {
		if n != leader && n != g.away && !g.oneIn(4) {
			g.push(verbReplicate, leader, n, 8)
			g.push(verbApply, n, 8)
		}
	}
}

// fault is an election, a crash or a snapshot.
func (g *generator) fault() {
	switch g.random.IntN(8) {
	case 6:
		g.away = g.anyNode()
	case 7:
		g.away = -1
	case 0, 1:
		g.failOver()
	case 2:
		g.push(verbRestart, g.anyNode())
	case 3:
		g.push(verbFreeze, g.anyNode())
	case 4:
		g.push(verbPersist, g.anyNode())
	case 5: // the whole way, and a crash at once
		node := g.anyNode()
		g.push(verbFreeze, node)
		if g.oneIn(2) {
			g.commit()
		}
		g.push(verbPersist, node)
		if g.oneIn(2) {
			g.push(verbRestart, node)
		}
	}
}

// failOver elects another leader, often while the old one has what only it knows, and
// goes on as if it led.
func (g *generator) failOver() {
	old := g.node()
	if g.oneIn(2) {
		g.push(verbPropose, old)
		g.push(verbReplicate, old, g.anyNode(), 1+g.upTo(8), g.flag(2))
	}
	g.push(verbElect, g.anyNode(), g.upTo(4000)-2000)
	if g.oneIn(2) {
		g.buy()
		g.push(verbPropose, old)
		g.push(verbReplicate, old, g.anyNode(), 1+g.upTo(8))
		g.push(verbApply, old, 8)
	}
}

func (g *generator) time() {
	switch g.random.IntN(12) {
	case 0:
		g.push(verbDue, g.upTo(2))
		g.push(verbPropose, g.node())
	case 1:
		g.push(verbClock, g.upTo(3000))
	default:
		g.push(verbClock, g.upTo(60))
	}
}

func (g *generator) command() {
	switch n := g.random.IntN(1000); {
	case n < 560:
		g.buy()
	case n < 640:
		g.push(verbAgain, g.newest(40), g.node())
	case n < 720:
		g.push(verbCancel, g.id(), g.buyID(), g.door(), g.upTo(3))
	case n < 930:
		g.payBegin()
	case n < 953:
		g.push(verbRefund, g.id(), g.paidID(), g.upTo(3))
	case n < 956:
		g.push(verbWithdraw, g.id(), g.buyID(), g.upTo(3))
	case n < 960:
		g.push(verbAcknowledge, g.id(), g.buyID())
	default:
		g.seller()
	}
}

func (g *generator) buy() {
	if g.oneIn(20) {
		g.users++
	}
	n := [8]int32{g.id(), g.users - g.upTo(8), 1 + g.upTo(3), 0, 0, g.sale(), g.door()}
	if g.oneIn(3) {
		n[3] = 1
	}
	if !g.oneIn(3) {
		g.keys++
		n[4] = g.keys
		if g.oneIn(12) { // perhaps a key that this user had before
			n[4] = max(1, g.keys-g.upTo(20))
		}
	}
	if g.oneIn(20) { // the door has another key, or none
		n[7] = nameClear + g.upTo(1+pseudonymKeys)
	}
	g.buys = append(g.buys[max(0, len(g.buys)-63):], n[0])
	g.push(verbBuy, n[:]...)
}

// buyID is one of the newest buys, mostly one that made an order.
func (g *generator) buyID() (id int32) {
	for range 4 {
		if len(g.buys) == 0 {
			return 0
		}
		id = g.buys[len(g.buys)-1-int(g.upTo(min(len(g.buys), 1+g.random.IntN(64))))]
		if q := g.world.request(int(id)); q != nil && q.told && q.result.Order != 0 {
			break
		}
	}
	return id
}

// paidID is one of the newest buys, mostly one that is paid.
func (g *generator) paidID() (id int32) {
	for range 32 {
		id = g.buyID()
		q := g.world.request(int(id))
		if g.world.leader == nil || q == nil {
			continue
		}
		if v, known := g.world.leader.machine.Order(q.result.Order); known && v.State == sequencer.StatePaid {
			break
		}
	}
	return id
}

func (g *generator) payBegin() {
	id := g.id()
	g.pays = append(g.pays[max(0, len(g.pays)-15):], id)
	line := g.flag(3) * (1 + g.upTo(20))
	n := [6]int32{id, g.buyID(), g.door(), g.flag(30), 0, line}
	if g.moves {
		n[4] = g.flag(4)
	}
	g.push(verbPay, n[:]...)
	if g.oneIn(2) { // it is the first thing that the desk does
		g.commit()
		g.push(verbAuthorise, id, g.upTo(3), g.flag(4))
		if line > 0 { // its call is to be committed first
			g.commit()
			g.push(verbAuthorise, id, g.upTo(3), g.flag(4))
		}
	}
}

// pay lets the provider do something about one of the newest payments.
func (g *generator) pay() {
	if len(g.pays) == 0 {
		return
	}
	id := g.pays[g.upTo(len(g.pays))]
	if g.oneIn(4) {
		g.push(verbOutcome, id, g.flag(3))
		return
	}
	g.push(verbAuthorise, id, g.upTo(3), g.flag(3))
}

// sale is one of the newest few.
func (g *generator) sale() int32 {
	if g.oneIn(200) {
		return g.upTo(40)
	}
	return int32(max(1, len(g.world.sales)-int(g.upTo(3))))
}

// salesOfSeed bounds the sales of one seed.
const salesOfSeed = 24

func (g *generator) create() {
	n := [12]int32{g.id(), 1 + g.upTo(14), 1 + g.upTo(4), 0, g.price(), g.hold(), g.upTo(1000)}
	if g.oneIn(3) {
		n[11] = 1 + g.upTo(pseudonymKeys)
	}
	if g.oneIn(4) {
		n[7] = g.upTo(1000)
	}
	g.perhapsTerms(&n)
	g.push(verbCreate, n[:]...)
}

// price is of few sales nothing.
func (g *generator) price() int32 { return g.upTo(8) }

// hold is short in some sales, in milliseconds, so that holds end, and long in others,
// so that they are paid.
func (g *generator) hold() int32 {
	if g.oneIn(2) {
		return 1 + g.upTo(3000)
	}
	return 1 + g.upTo(60_000)
}

// perhapsTerms gives a sale a waitlist and bounds for who lets holds run out.
func (g *generator) perhapsTerms(n *[12]int32) {
	if !g.oneIn(3) {
		n[3] = g.upTo(8)
	}
	n[8] = g.flag(3)
	if g.oneIn(3) {
		n[9], n[10] = 1+g.upTo(3), 1+g.upTo(10_000)
	}
}

func (g *generator) seller() {
	sale := g.sale()
	switch n := g.random.IntN(20); {
	case n < 5 && len(g.world.sales) < salesOfSeed:
		g.create()
	case n < 7:
		g.push(verbSeller, g.id(), int32(sequencer.KindSalePause), sale, 0, g.upTo(2)*g.upTo(4))
		g.push(verbSeller, g.id(), int32(sequencer.KindSaleResume), sale)
	case n < 8 && g.oneIn(2):
		g.push(verbSeller, g.id(), int32(sequencer.KindSaleClose)+g.upTo(2), sale)
		g.create()
	case n < 12:
		g.push(verbSeller, g.id(), int32(sequencer.KindSaleQuantity), sale, g.upTo(9)-4, g.upTo(2)*g.upTo(4))
	case n < 15:
		g.push(verbSeller, g.id(), int32(sequencer.KindSaleRelease), sale, 1+g.upTo(2))
	case n < 17:
		m := [12]int32{g.id(), sale, 1 + g.upTo(4), 0, g.price(), g.hold(), g.upTo(1000)}
		g.perhapsTerms(&m)
		g.push(verbUpdate, m[:]...)
	case n < 18 && g.oneIn(2):
		to := 2 + g.upTo(int(g.raised)+1)
		g.raised = max(g.raised, to-1)
		g.push(verbSeller, g.id(), int32(sequencer.KindLevel), 0, to)
	case n < 18:
		g.push(verbSeller, g.id(), int32(sequencer.KindSaleExtend), sale, g.upTo(1_000_000_000))
	case n < 19 && g.oneIn(2):
		g.push(verbSeller, g.id(), int32(sequencer.KindHoldStop)+g.upTo(2), 0, g.upTo(20))
	default:
		g.push(verbSeller, g.id(), int32(sequencer.KindSaleResume), sale)
	}
}
