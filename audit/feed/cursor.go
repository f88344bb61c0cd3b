package feed

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"onsale/api/contract"
	"onsale/sequencer"
)

// cursor is a place in the feed; what comes behind it is asked for.
type cursor struct {
	sequencer.Position
	place uint32 // placeEnd for behind the last event of the block
}

// placeEnd is behind every place of a block.
const placeEnd = math.MaxUint32

// String spells the cursor: a position, and the place unless that is the end of its block.
func (c cursor) String() string {
	if c.place == placeEnd {
		return c.Position.String()
	}
	return c.Position.String() + "-" + strconv.FormatUint(uint64(c.place), 10)
}

// parseCursor reads what String wrote, and nothing else.
func parseCursor(text string) (cursor, error) {
	c := cursor{place: placeEnd}
	position := text
	if strings.Count(text, "-") == 2 {
		at := strings.LastIndexByte(text, '-')
		place, err := strconv.ParseUint(text[at+1:], 10, 32)
		if err != nil || place == placeEnd {
			return cursor{}, badCursor(text)
		}
		c.place, position = uint32(place), text[:at]
	}
	var err error
	if c.Position, err = sequencer.ParsePosition(position); err != nil || c.String() != text {
		return cursor{}, badCursor(text)
	}
	return c, nil
}

func badCursor(text string) error {
	return contract.BadParameter("after", fmt.Sprintf("%.64q is no cursor: give the id of an event, the next or as_of of a page, or now", text))
}
