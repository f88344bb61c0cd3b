package sequencer

import "encoding/binary"

// Money is charged under an account at the payment provider, and no other account knows of it:
// one that is asked has never heard of the charge, which says nothing of the money. So every
// attempt that costs something is begun with the account under which it is charged. The first
// one says which account the cluster charges under. Another one is refused until an operator
// has accepted it; what was charged before stays with its own.
//
// An account is known by its text: the provider's name, whether it moves money, and its id. The
// state has a small table of the texts, because few clusters ever have two accounts, and few
// orders attempts under two: attempts are under account 1 unless a record says otherwise, so
// that an account costs an order nothing.

// accounts are all of these.
type accounts struct {
	texts     []string // an account's number is its place + 1
	accepted  uint8    // number of the account for new charges; 0 before the first
	namesHash uint64   // of texts and accepted; 0 without any

	moves  paged[accountMove]
	newest map[uint32]uint32 // by order: the place in moves + 1 of its newest
	hash   uint64            // sum of the fingerprints of moves
}

// accountMove says that an order's attempts are under another account from one of them on.
type accountMove struct {
	order   uint32
	before  uint32 // the order's move before, as its place + 1; 0 for the first
	from    uint8  // the first attempt
	account uint8  // number
}

// firstAccount is the number of the account of attempts without a record.
const firstAccount = 1

// ValidAccount reports whether a text can name an account: 1 to AccountBytesMax printable ASCII
// characters without a space.
func ValidAccount(text []byte) bool {
	for _, c := range text {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(text) > 0 && len(text) <= AccountBytesMax
}

// accountNumber returns the number of an account, which is added when there is room; 0 when
// there is none.
func (s *State) accountNumber(text []byte) uint8 {
	a := &s.accounts
	for i := range a.texts {
		if a.texts[i] == string(text) {
			return uint8(i + 1)
		}
	}
	if len(a.texts) >= AccountsMax {
		return 0
	}
	a.texts = append(a.texts, string(text))
	return uint8(len(a.texts))
}

// accept lets an account be the one for new charges; 0 for none.
func (s *State) accept(number uint8) {
	s.accounts.accepted = number
	s.accounts.namesHash = hashAccounts(s.accounts.texts, number)
}

func hashAccounts(texts []string, accepted uint8) uint64 {
	if len(texts) == 0 {
		return 0
	}
	h := mix(uint64(accepted), uint64(len(texts)))
	for _, text := range texts {
		h = mixBytes(h, []byte(text))
	}
	return h
}

// accountCode returns why an attempt must not be charged under an account: CodeOK when it may.
// The first charge of all may be under any.
func (s *State) accountCode(text []byte) Code {
	a := &s.accounts
	switch {
	case a.accepted != 0 && a.texts[a.accepted-1] == string(text):
		return CodeOK
	case a.accepted != 0:
		return CodeOtherAccount
	case s.accountNumber(text) == 0:
		return CodeAccountLimit
	}
	return CodeOK
}

// chargeUnder notes under which account the newest attempt of an order is charged, which
// accountCode allowed.
func (s *State) chargeUnder(number uint32, attempt uint8, text []byte) {
	if s.accounts.accepted == 0 {
		s.accept(s.accountNumber(text))
	}
	if account := s.accounts.accepted; s.accountOf(number, attempt) != account {
		s.pushMove(accountMove{order: number, from: attempt, account: account})
	}
}

// pushMove appends a record; its before follows.
func (s *State) pushMove(is accountMove) {
	a := &s.accounts
	is.before = a.newest[is.order]
	a.moves.push(is)
	a.newest[is.order] = a.moves.length
	a.hash += is.fingerprint(s.orders.at(is.order).seq)
}

// accountOf returns the number of the account of an attempt that costs something.
func (s *State) accountOf(number uint32, attempt uint8) uint8 {
	a := &s.accounts
	for next := a.newest[number]; next != 0; {
		is := a.moves.at(next - 1)
		if is.from <= attempt {
			return is.account
		}
		next = is.before
	}
	return firstAccount
}

// isElsewhere reports whether an attempt was begun under another account than the accepted one.
func (s *State) isElsewhere(number uint32, attempt uint8) bool {
	return s.accountOf(number, attempt) != s.accounts.accepted
}

// acceptAccount lets new charges be made under an account, because an operator says so.
func (s *State) acceptAccount(c *Command, r *Result) {
	if !ValidAccount(c.Reference) || !validNote(c.Body) {
		r.Code = CodeBadRequest
		return
	}
	number := s.accountNumber(c.Reference)
	if number == 0 {
		r.Code = CodeAccountLimit
		return
	}
	s.accept(number)
}

// Account returns the account for new charges; "" before the first.
func (s *State) Account() string { return s.accountText(s.accounts.accepted) }

// AccountOf returns the account under which an attempt to pay an order is charged; "" for one
// that costs nothing or never began.
func (s *State) AccountOf(order uint64, attempt uint8) string {
	number, known := s.orderNumber(order)
	if !known || attempt == 0 || attempt > s.orders.at(number).attempts || s.isFree(s.orders.at(number)) {
		return ""
	}
	return s.accountText(s.accountOf(number, attempt))
}

func (s *State) accountText(number uint8) string {
	if number == 0 || int(number) > len(s.accounts.texts) {
		return ""
	}
	return s.accounts.texts[number-1]
}

func (m *accountMove) fingerprint(seq uint64) uint64 {
	return mix(seq, uint64(m.from)|uint64(m.account)<<8|1<<16)
}

// frozenAccounts are accounts as a snapshot has them.
type frozenAccounts struct {
	texts           []string // is only appended to
	accepted        uint8
	namesHash, hash uint64
	moves           paged[accountMove]
}

func (a *accounts) freeze() frozenAccounts {
	return frozenAccounts{a.texts[:len(a.texts):len(a.texts)], a.accepted, a.namesHash, a.hash, a.moves.freeze()}
}

// The lengths in a snapshot of what comes before the texts, and of a move.
const (
	accountsFixedBytes = 8
	accountMoveBytes   = 16
)

// namesBytes is the length of the section of the accounts' texts.
func (f *frozenAccounts) namesBytes() uint64 {
	length := uint64(accountsFixedBytes)
	for _, text := range f.texts {
		length += 1 + uint64(len(text))
	}
	return length
}

func (f *frozenAccounts) appendNames(dst []byte) []byte {
	dst = append(dst, f.accepted, byte(len(f.texts)), 0, 0, 0, 0, 0, 0)
	for _, text := range f.texts {
		dst = appendShort(dst, []byte(text))
	}
	return dst
}

func appendAccountMove(dst []byte, m *accountMove, seq uint64) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	return append(dst, m.from, m.account, 0, 0, 0, 0, 0, 0)
}

// accounts reads the section of the accounts' texts.
func (r *snapshotReader) accounts(s *State, length uint64) uint64 {
	fixed := r.bytes(accountsFixedBytes)
	accepted, count := fixed[0], int(fixed[1])
	if binary.LittleEndian.Uint64(fixed)>>16 != 0 || count < 1 || count > AccountsMax || int(accepted) > count {
		r.fail("%d accounts, of which %d is accepted, are out of bounds", count, accepted)
		return 0
	}
	read := uint64(accountsFixedBytes)
	for range count {
		text := r.bytes(int(r.bytes(1)[0]))
		read += 1 + uint64(len(text))
		if known := len(s.accounts.texts); r.err != nil || !ValidAccount(text) || int(s.accountNumber(text)) != known+1 {
			r.fail("account %q is out of bounds, or there twice", text)
			return 0
		}
	}
	if read != length {
		r.fail("accounts of %d bytes, the section says %d", read, length)
	}
	s.accept(accepted)
	return s.accounts.namesHash
}

// accountMoves reads the section of orders that were charged under another account than the first.
func (r *snapshotReader) accountMoves(s *State, length uint64) uint64 {
	if length%accountMoveBytes != 0 {
		r.fail("moves to other accounts of %d bytes", length)
		return 0
	}
	for ; length > 0 && r.err == nil; length -= accountMoveBytes {
		f := r.bytes(accountMoveBytes)
		seq := binary.LittleEndian.Uint64(f)
		number, known := s.orderNumber(seq)
		is := accountMove{order: number, from: f[8], account: f[9]}
		if !known || binary.LittleEndian.Uint64(f[8:])>>16 != 0 || !s.moveFits(&is) {
			r.fail("move of order %d to account %d from attempt %d on is out of bounds", seq, is.account, is.from)
			return 0
		}
		s.pushMove(is)
	}
	return s.accounts.hash
}

// moveFits reports whether a record can be the next of its order.
func (s *State) moveFits(is *accountMove) bool {
	a := &s.accounts
	last := uint8(0)
	if newest := a.newest[is.order]; newest != 0 {
		last = a.moves.at(newest - 1).from
	}
	return is.from > last && is.from <= s.orders.at(is.order).attempts && is.account >= 1 && int(is.account) <= len(a.texts) &&
		s.accountOf(is.order, is.from) != is.account
}

// verify checks that every record is found, and the hashes.
func (a *accounts) verify(s *State) (differs string) {
	hash, newest := uint64(0), map[uint32]uint32{}
	for place := range a.moves.length {
		is := a.moves.at(place)
		if is.before != newest[is.order] {
			return "an order's move to another account does not follow the one before"
		}
		newest[is.order] = place + 1
		hash += is.fingerprint(s.orders.at(is.order).seq)
	}
	for order, place := range newest {
		if a.newest[order] != place {
			return "an order's newest move to another account is not found"
		}
	}
	if hash != a.hash || len(newest) != len(a.newest) || a.namesHash != hashAccounts(a.texts, a.accepted) || int(a.accepted) > len(a.texts) {
		return "the hash or the number of accounts, or of moves to them, is kept otherwise"
	}
	return ""
}
