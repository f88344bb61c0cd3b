package feed

import (
	"context"
	"fmt"
	"sort"

	"onsale/api/contract"
	"onsale/sequencer"
)

// begin returns where a feed is begun that is asked for behind a cursor. A replica that may be
// behind is let catch up before a cursor is called wrong.
func (s *Service) begin(ctx context.Context, after string) (cursor, error) {
	end, births := s.end()
	switch after {
	case "":
		at := cursor{place: placeEnd}
		return at, s.reaches(births, at)
	case contract.FeedNow:
		return cursor{s.positionAt(births, end), placeEnd}, nil
	}
	at, err := parseCursor(after)
	if err != nil {
		return cursor{}, err
	}
	if err = s.check(at); err != nil && s.catchUp(ctx) == nil {
		err = s.check(at)
	}
	return at, err
}

// check returns why a cursor is none of this history.
func (s *Service) check(at cursor) error {
	end, births := s.end()
	i := indexOf(births, at.Birth)
	switch {
	case i < 0 && at.Birth != 0:
		return contract.NewProblem(contract.HistoryCut, fmt.Sprintf("%s is of another cluster, or of a history that was left behind for a backup from before it: "+
			"begin again without after; ids tell what was read before", at))
	case i >= 0 && i+1 < len(births):
		next, err := s.beginOf(births, i+1)
		if err != nil {
			return err
		}
		if next > 0 && at.Height >= next {
			return cut(at, sequencer.Position{Birth: at.Birth, Height: next - 1})
		}
	}
	if at.Height > end {
		return contract.BadParameter("after", fmt.Sprintf("there is no %s yet: the newest block is %d", at, end))
	}
	if is := s.positionAt(births, at.Height); is.Birth != at.Birth && is.Birth != 0 {
		return contract.BadParameter("after", fmt.Sprintf("there is no %s: that block is %s", at, is))
	}
	return s.reaches(births, at)
}

// cut is told to who has read what a restore has ended.
func cut(at cursor, last sequencer.Position) error {
	problem := contract.NewProblem(contract.HistoryCut, fmt.Sprintf("a restore has ended the history of %s; as_of is the last place that is still true: "+
		"what was read behind it has not happened, go on from there", at))
	problem.AsOf = last.String()
	return problem
}

// reaches returns feed-gone when the journal begins behind a place.
func (s *Service) reaches(births []sequencer.Birth, at cursor) error {
	first, next := s.journal.First(), at.Height+1
	if at.place != placeEnd {
		next = at.Height
	}
	if first == 0 && s.journal.Position().Height > 0 {
		return fmt.Errorf("%w: the journal cannot be read now", sequencer.ErrBehind)
	}
	if next >= first {
		return nil
	}
	oldest := sequencer.Position{Height: first - 1}
	if is := s.positionAt(births, first); is.Birth != 0 {
		oldest.Birth = is.Birth
		if i := indexOf(births, is.Birth); i > 0 && s.isBirth(births[i], first) {
			oldest.Birth = births[i-1].Tag()
		}
	}
	problem := contract.NewProblem(contract.FeedGone, fmt.Sprintf("this node's journal begins with block %d; another node may have more", first))
	problem.Oldest = oldest.String()
	return problem
}

func indexOf(births []sequencer.Birth, tag uint64) int {
	for i := range births {
		if births[i].Tag() == tag {
			return i
		}
	}
	return -1
}

// positionAt returns the position of a block; without a birth when it cannot be read.
func (s *Service) positionAt(births []sequencer.Birth, height uint64) sequencer.Position {
	var b block
	if height == 0 || s.read(height, births, &b) != nil {
		return sequencer.Position{Height: height}
	}
	return b.at
}

// isBirth reports whether the block at a height is that of a birth.
func (s *Service) isBirth(birth sequencer.Birth, height uint64) bool {
	var b block
	return s.read(height, nil, &b) == nil && b.Decisions.FirstSeq == birth.FirstSeq
}

// beginOf returns the height of the block of a birth; 0 when the journal begins behind it.
func (s *Service) beginOf(births []sequencer.Birth, i int) (uint64, error) {
	s.mu.Lock()
	height, known := s.begins[births[i].Cluster]
	s.mu.Unlock()
	if known {
		return height, nil
	}
	first, last := s.journal.First(), s.journal.Position().Height
	if first == 0 {
		return 0, fmt.Errorf("%w: the journal cannot be read now", sequencer.ErrBehind)
	}
	var failed error
	var b block
	at := sort.Search(int(last-first+1), func(k int) bool {
		if err := s.read(first+uint64(k), nil, &b); err != nil {
			failed = err
		}
		return failed == nil && b.LastSeq() >= births[i].FirstSeq
	})
	height = first + uint64(at)
	switch {
	case failed != nil:
		return 0, failed
	case height > last:
		return 0, fmt.Errorf("%w: the block of a birth is being written", sequencer.ErrBehind)
	case height == first && !s.isBirth(births[i], first):
		return 0, nil
	}
	s.mu.Lock()
	s.begins[births[i].Cluster] = height
	s.mu.Unlock()
	return height, nil
}
