package feed

import (
	"context"
	"time"

	"onsale/api/contract"
)

// page is one that is being read.
type page struct {
	contract.FeedPage
	service  *Service
	question contract.FeedQuestion
	types    wanted
	at       cursor
	bytes    int
}

// fill reads on, in one turn, until the page is full or the journal ends.
func (p *page) fill(ctx context.Context) error {
	s := p.service
	err := s.turn(ctx, func() error {
		end, births := s.end()
		late := time.Now().Add(PageTime)
		var b block
		for blocks := 0; !p.isFull() && p.at.Height+p.behind() <= end; blocks++ {
			if blocks == PageBlocksMax || time.Now().After(late) || ctx.Err() != nil {
				break
			}
			if err := s.read(p.at.Height+p.behind(), births, &b); err != nil {
				return err
			}
			p.take(&b)
		}
		p.HasMore = p.at.Height+p.behind() <= end
		p.AsOf = s.positionAt(births, end).String()
		return ctx.Err()
	})
	p.Next = p.at.String()
	s.counters.pages.Add(1)
	s.counters.events.Add(uint64(len(p.Events)))
	return err
}

// behind returns how far the next block is behind the page's place: 0 while that is inside one.
func (p *page) behind() uint64 {
	if p.at.place == placeEnd {
		return 1
	}
	return 0
}

func (p *page) isFull() bool { return len(p.Events) >= p.question.Limit || p.bytes >= PageBytesMax }

// take takes what is asked for of a block.
func (p *page) take(b *block) {
	s := p.service
	s.counters.blocks.Add(1)
	from := int64(-1) // the place before the first
	if p.at.place != placeEnd {
		from = int64(p.at.place)
	}
	var asked []step
	for _, is := range steps(nil, &b.Block) {
		if int64(is.place) > from && p.types[is.name] {
			asked = append(asked, is)
		}
	}
	for len(asked) > 0 && !p.isFull() {
		part := asked[:min(len(asked), factsMax)]
		asked = asked[len(part):]
		for _, t := range s.look(part) {
			if p.isFull() {
				return
			}
			if t.happened() && p.wants(&t) {
				p.add(s.eventOf(b, &t))
			}
			p.at = cursor{b.at, t.place}
		}
	}
	if len(asked) == 0 && !p.isFull() {
		p.at = cursor{b.at, placeEnd}
	}
}

// wants reports whether who asks may see a sale, and asks for it. What is about no sale is for who
// may see all.
func (p *page) wants(t *told) bool {
	id := t.sale()
	if p.question.Sale != "" && id != p.question.Sale {
		return false
	}
	return p.question.Sees == nil || id != "" && p.question.Sees(id)
}

func (p *page) add(e contract.FeedEvent) {
	p.Events = append(p.Events, e)
	p.bytes += eventBytes + len(e.Data.UserID) + len(e.Data.Reference) + len(e.Data.Note) + len(e.Data.Actor)
}

// eventBytes is about how long an event is as JSON, without what others said in it.
const eventBytes = 700
