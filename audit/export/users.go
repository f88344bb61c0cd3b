package export

import (
	"errors"
	"fmt"
	"strings"

	"onsale/internal/pseudonym"
	"onsale/sequencer"
)

// ErrUsers is returned for what rows cannot say of buyers.
var ErrUsers = errors.New("rows cannot say that of buyers")

// Users says what rows say of buyers; the zero value leaves them out.
type Users struct {
	clear bool
	keys  *pseudonym.Keys
	key   sequencer.PseudonymKeyID // of keys
}

var (
	// UsersNone leaves them out.
	UsersNone = Users{}
	// UsersClear writes their ids as the journal has them.
	UsersClear = Users{clear: true}
)

// pseudonymWord is how Users with keys are spelled, with the id of their key.
const pseudonymWord = "pseudonym"

// ParseUsers reads what String spells, and "pseudonym" alone for the newest of the keys. It returns
// ErrUsers, also when the key is not among them.
func ParseUsers(text string, keys *pseudonym.Keys) (Users, error) {
	word, id, named := strings.Cut(text, " ")
	switch {
	case text == "none":
		return UsersNone, nil
	case text == "clear":
		return UsersClear, nil
	case word != pseudonymWord:
		return Users{}, fmt.Errorf("%w: %q, expected is none, clear or pseudonym", ErrUsers, text)
	case keys == nil:
		return Users{}, fmt.Errorf("%w: %s without a file of keys", ErrUsers, text)
	case !named:
		return Users{keys: keys, key: keys.Newest()}, nil
	}
	for _, key := range keys.IDs() {
		if key.String() == id {
			return Users{keys: keys, key: key}, nil
		}
	}
	return Users{}, fmt.Errorf("%w: %s, which is none of the keys that are there", ErrUsers, text)
}

// String is how a database and a command line spell it.
func (u Users) String() string {
	switch {
	case u.clear:
		return "clear"
	case u.keys != nil:
		return pseudonymWord + " " + u.key.String()
	}
	return "none"
}

// As returns these users as rows have them that were written before: under the key that was the newest
// then, when it is still there. ErrUsers when they say something else.
func (u Users) As(written string) (Users, error) {
	if as, err := ParseUsers(written, u.keys); err == nil && (u.keys != nil) == (as.keys != nil) && u.clear == as.clear {
		return as, nil
	}
	return Users{}, fmt.Errorf("%w: the rows that are there say %s", ErrUsers, written)
}

// name is what a row says of a buyer. Who is known by a pseudonym in the journal keeps it.
func (u Users) name(user string) any {
	switch {
	case u.clear:
		return user
	case u.keys == nil:
		return nil
	case sequencer.PseudonymKeyOf([]byte(user)) != 0:
		return user
	}
	return string(u.keys.Of(u.key, []byte(user)))
}
