package simulation

import (
	"fmt"
	"strconv"

	"onsale/sequencer"
)

// pseudonymKeys is how many keys of pseudonyms there are; their ids are 1 to so many.
const pseudonymKeys = 2

// How the process that takes a buy names the buyer. It asks what the sale wants, unless it has
// another key than the others, or none.
const (
	nameAsked int32 = iota
	nameClear       // and from here on under key 1, 2, …
)

// nameFor returns the name under which a door lets a person buy.
func (w *world) nameFor(person int32, sale uint16, how int32) []byte {
	key := sequencer.PseudonymKeyID(how - nameClear)
	if how == nameAsked {
		key = 0
		if w.leader != nil {
			v, _ := w.leader.machine.Sale(sale)
			key = v.PseudonymKey
		}
	}
	return nameUnder(key, person)
}

// nameUnder returns a person's name under a key, 0 for none. It tells the person, as no real
// pseudonym does, so that the checkers know who has two.
func nameUnder(key sequencer.PseudonymKeyID, person int32) []byte {
	if key == 0 {
		return named('u', person)
	}
	return fmt.Appendf(nil, "%s%v.%027d", sequencer.PseudonymPrefix, key, person)
}

// personOf returns whose a name is.
func personOf(name []byte) int32 {
	digits := name[1:]
	if len(name) == sequencer.PseudonymBytes {
		digits = name[len(name)-27:]
	}
	person, err := strconv.ParseInt(string(digits), 10, 32)
	if err != nil {
		panic(fmt.Sprintf("%q is no name of the simulation", name))
	}
	return int32(person)
}

// checkName is P2 on the log: a sale has no buyer under another key than its own, since the same
// person may be there under that one too. A sale that is made later in the batch is not there yet.
func (w *world) checkName(c *sequencer.Command, d *sequencer.Result) error {
	if d.Code == sequencer.CodeUnknownSale || int(c.Sale) < 1 || int(c.Sale) > len(w.sales) {
		return nil
	}
	name, own := sequencer.PseudonymKeyOf(c.User), w.sales[c.Sale-1].key
	switch {
	case name != own && d.Code != sequencer.CodeBadRequest:
		return violated("P2", "seq %d, of %q in sale %d under key %q, is decided %v", d.Seq, c.User, c.Sale, own, d.Code)
	case name != own:
		w.seen.OtherNames++
	case name != 0 && d.Code == sequencer.CodeOK:
		w.seen.Pseudonyms++
	}
	return nil
}
