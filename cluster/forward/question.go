package forward

import (
	"context"
	"errors"
	"fmt"

	"onsale/cluster/codes"
	"onsale/sequencer"
)

// question is an errand over a link.
type question[T any] struct {
	links *Links
	ask   func(*Link) (T, error)
	// once says that what may have been taken is not sent again.
	once bool
	// hopsMax bounds how often another leader that is named is followed. With it,
	// nobody else is tried; 0 tries everybody, for as long as ctx allows.
	hopsMax int

	answer T
	hops   int
	at     string // address of the attempt under way
}

func (q *question[T]) attempt(ctx context.Context, at candidate) error {
	q.at = at.address
	if at.address == "" {
		return &sequencer.NotLeaderError{}
	}
	link, err := q.links.To(ctx, at.id, at.address)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotSent, err)
	}
	q.answer, err = q.ask(link)
	return err
}

func (q *question[T]) over(err error) (outcome error, ended bool) {
	switch fateOf(err) {
	case answered, refused:
		if q.once && errors.Is(err, codes.ErrUnknown) {
			err = unknown(err)
		}
		return err, true
	case unanswered:
		if q.once {
			return unknown(err), true
		}
	}
	if q.hopsMax == 0 {
		return nil, false
	}
	_, named := namedLeader(q.at, err)
	q.hops++
	return err, !named || q.hops > q.hopsMax
}

func (q *question[T]) late(ended, last error) error {
	switch {
	case q.once:
		return fmt.Errorf("%w: %w", sequencer.ErrNoLeader, ended)
	case last == nil:
		return &sequencer.NotLeaderError{}
	}
	return last
}

func (q *question[T]) bring(ctx context.Context, directory *Directory) (T, error) {
	err := follow(ctx, directory, q)
	return q.answer, err
}

// AskLeader asks the leader, following it, until there is an answer or ctx ends. The
// question may be asked more than once.
func AskLeader[T any](ctx context.Context, l *Links, ask func(*Link) (T, error)) (T, error) {
	q := question[T]{links: l, ask: ask}
	return q.bring(ctx, l.directory)
}

// TellLeader asks the leader for something that must not be done twice: what may have
// been taken is never sent again. It follows the leader while it is told that somebody
// else leads, or nobody can be reached. ErrNoLeader when nobody took it before ctx
// ended, ErrOutcomeUnknown when it was sent and not answered, else the leader's own
// error.
func TellLeader[T any](ctx context.Context, l *Links, ask func(*Link) (T, error)) (T, error) {
	q := question[T]{links: l, ask: ask, once: true}
	return q.bring(ctx, l.directory)
}

// AskAt asks the node at an address and, when that one does not lead, whom it names:
// for who belongs to no cluster yet. The question may be asked more than once.
func AskAt[T any](ctx context.Context, l *Links, address string, ask func(*Link) (T, error)) (T, error) {
	own := NewDirectory(nil)
	own.SetLeader("", address)
	q := question[T]{links: l, ask: ask, hopsMax: 1}
	return q.bring(ctx, own)
}

// unknown says that something may have been done.
func unknown(err error) error { return fmt.Errorf("%w (%w)", sequencer.ErrOutcomeUnknown, cause(err)) }

// isUnknown reports whether an error leaves open whether a request was decided.
func isUnknown(err error) bool { return errors.Is(err, sequencer.ErrOutcomeUnknown) }

// cause is why ctx ended an errand.
func cause(last error) error {
	if last == nil {
		return context.DeadlineExceeded
	}
	return last
}
