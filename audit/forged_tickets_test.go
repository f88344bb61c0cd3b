package audit

import "onsale/sequencer"

// forgedTickets are journals that give out or revoke tickets otherwise than the rules do.
var forgedTickets = []forgery{
	{name: "a ticket's number is given twice", finds: []check{checkTicketTwice},
		batches: batches{at(0, twoPaid()...)},
		forge:   func(f *forged) { f.result(7).Ticket = 1 }},
	{name: "a paid order gets no number", finds: []check{checkTicketTwice},
		batches: batches{at(0, twoPaid()...)},
		forge:   func(f *forged) { f.result(7).Ticket = 0 }},
	{name: "a number is left out", finds: []check{checkTicketGap},
		batches: batches{at(0, twoPaid()...)},
		forge:   func(f *forged) { f.result(7).Ticket = 3 }},
	{name: "an order is shown with another's ticket", finds: []check{checkShownTicket},
		batches: batches{at(0, append(twoPaid(), captured(2, 1))...)},
		forge:   func(f *forged) { f.result(8).Ticket = 2 }},
	{name: "an order is shown with a ticket before it is paid", finds: []check{checkShownTicket},
		batches: shownOrder,
		forge:   func(f *forged) { f.result(3).Ticket = 1 }},
	{name: "a refund revokes another's ticket", finds: []check{checkTicketRevoked},
		batches: batches{at(0, append(twoPaid(), naming(partly(1, refund(2)), 2))...)},
		forge:   func(f *forged) { f.show(8, sequencer.CodeOK, 2, sequencer.StateRefunded, 1).Attempt = 1 }},
	{name: "a refund revokes a ticket again", finds: []check{checkTicketRevoked},
		batches: batches{at(0, append(paidPart(), naming(partly(1, refund(2)), 2))...)},
		forge:   func(f *forged) { f.show(7, sequencer.CodeOK, 2, sequencer.StateRefunded, 1).Attempt = 1 }},
	{name: "a refund revokes more tickets than it gives back", finds: []check{checkTicketsNamed},
		batches: batches{at(0, append(paidPart()[:5:5], naming(partly(1, refund(2)), 1, 2))...)},
		forge:   func(f *forged) { f.show(6, sequencer.CodeOK, 2, sequencer.StatePaid, 1).Attempt = 1 }},
}

// twoPaid are the lives of ann's and bob's orders until both are paid: 7 commands.
func twoPaid() []sequencer.Command {
	return []sequencer.Command{sell(), buy("ann", 1), buy("bob", 1), pay(2, "ann", 1), outcome(2, sequencer.PayAccepted),
		pay(3, "bob", 1), outcome(3, sequencer.PayAccepted)}
}
