package auth

import (
	"onsale/internal/pseudonym"
	"onsale/sequencer"
)

// Identity is who a token speaks for. It never changes.
type Identity struct {
	User    []byte // the sub claim; nothing that is written has it of a buyer who has pseudonyms
	Roles   Roles
	Sales   Scope // of roles other than a buyer's
	Expires int64 // Unix seconds, the leeway included
	Issued  int64 // Unix seconds; before any time when the token does not say
	TokenID string

	pseudonyms []alias // one for each key, the newest first
	token      []byte
	under      *cache // of the key sets under which the token is known to be good
}

// alias is by which name somebody is known under a key.
type alias struct {
	key  sequencer.PseudonymKeyID
	name []byte
}

func pseudonymsOf(keys *pseudonym.Keys, user string) (all []alias) {
	for _, id := range keys.IDs() {
		all = append(all, alias{id, keys.Of(id, []byte(user))})
	}
	return all
}

// NameIn returns by which name a user is known in a sale whose buyers are known under a key, 0 for
// in clear; nil when this process does not have the key.
func (i *Identity) NameIn(key sequencer.PseudonymKeyID) []byte {
	if key == 0 {
		return i.User
	}
	for k := range i.pseudonyms {
		if i.pseudonyms[k].key == key {
			return i.pseudonyms[k].name
		}
	}
	return nil
}

// Names returns all names of a user that orders may have.
func (i *Identity) Names() [][]byte {
	names := [][]byte{i.User}
	for _, a := range i.pseudonyms {
		names = append(names, a.name)
	}
	return names
}

// Is reports whether a name that an order has is this user's.
func (i *Identity) Is(name string) bool {
	for k := range i.pseudonyms {
		if string(i.pseudonyms[k].name) == name {
			return true
		}
	}
	return string(i.User) == name
}

// Actor returns what is written of who asks for a seller's or operator's verb: the user, who is
// accountable for it. A buyer has no business there, and is written as buyers are.
func (i *Identity) Actor() []byte {
	if i.Roles == RoleBuyer && len(i.pseudonyms) > 0 {
		return i.pseudonyms[0].name
	}
	return i.User
}
