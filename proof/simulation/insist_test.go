package simulation

import "onsale/sequencer"

// tester is the number of a user whom no other step draws.
const tester = -1

// insist lets one user try out cards: orders of a sale of its own, each asked to be paid once
// more than may be declined, until the user had all declines of an hour. Few seeds have it,
// because it takes hundreds of steps.
func (g *generator) insist() {
	const orders = sequencer.UserDeclinesMax/sequencer.DeclinesFree + 1
	sale := int32(len(g.world.sales) + 1)
	g.push(verbCreate, g.id(), orders, orders, 0, 1+g.upTo(8), 60_000, 1000, 0)
	g.commit()
	for range orders {
		buy := g.id()
		g.push(verbBuy, buy, tester, 1, 0, 0, sale, g.node())
		g.commit()
		for range sequencer.DeclinesFree + 1 {
			pay := g.id()
			g.push(verbPay, pay, buy, g.node())
			g.commit()
			g.push(verbAuthorise, pay, 1) // declined
		}
		g.commit()
	}
}
