package forward

import (
	"context"
	"errors"
	"fmt"

	"onsale/sequencer"
)

// TellLeader sends a step of administration to the leader, once: what may have been
// taken is never sent again. It follows the leader while it is told that somebody else
// leads, or nobody can be reached. ErrNoLeader when nobody took it before ctx ended,
// ErrOutcomeUnknown when it was sent and not answered, else the leader's own error.
func TellLeader(ctx context.Context, l *Links, verb string, body []byte) ([]byte, error) {
	for {
		id, address := l.directory.candidate()
		if address != "" {
			link, err := l.To(ctx, id, address)
			if err == nil {
				answer, err := link.Control(ctx, verb, body)
				if err == nil || !gone(err) && !errors.Is(err, sequencer.ErrNoLeader) {
					return answer, err
				}
				if gone(err) {
					return nil, fmt.Errorf("%w: %w", sequencer.ErrOutcomeUnknown, err)
				}
				var other *sequencer.NotLeaderError
				if errors.As(err, &other) && other.LeaderAddress != "" && other.LeaderAddress != address {
					l.directory.SetLeader(other.LeaderID, other.LeaderAddress)
					continue
				}
			}
			l.directory.suspect(address)
		}
		if sleep(ctx, retryPauseMax); ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %w", sequencer.ErrNoLeader, ctx.Err())
		}
	}
}
