package sequencer_test

import (
	"reflect"
	"testing"

	"onsale/sequencer"
)

// A pause that is for one revision alone has it in front of the sale, where no sale has a number; what
// no encoder writes there is no command.
func TestSeenIsReadAsWritten(t *testing.T) {
	for _, c := range []sequencer.Command{
		{Kind: sequencer.KindSalePause, Sale: 1},
		{Kind: sequencer.KindSaleResume, Sale: 65535, Actor: []byte("sella")},
		{Kind: sequencer.KindSalePause, Sale: 1, Revision: 1},
		{Kind: sequencer.KindSaleResume, Sale: 256, Revision: 1 << 31, Actor: []byte("sella")},
		{Kind: sequencer.KindSalePause}, {Kind: sequencer.KindSalePause, Revision: 7}, {Kind: sequencer.KindSalePause, Actor: []byte("a long name")},
	} {
		batch := sequencer.Batch{Commands: []sequencer.Command{c}}
		var again sequencer.Batch
		if err := sequencer.DecodeBatch(sequencer.AppendBatch(nil, &batch), &again); err != nil || !reflect.DeepEqual(again.Commands, batch.Commands) {
			t.Errorf("%+v is read as %+v, %v", c, again.Commands, err)
		}
	}
	for _, fields := range []string{"", "\x00", "\x00\x00", "\x00\x00\x01\x00\x00\x00\x01", "\x00\x00\x00\x00\x00\x00\x01\x00"} {
		data := sequencer.AppendBatch(nil, &sequencer.Batch{Commands: []sequencer.Command{{Kind: sequencer.KindSalePause, Sale: 1}}})
		data = append(data[:sequencer.BatchHeaderBytes], byte(1+len(fields)), 0, byte(sequencer.KindSalePause))
		var read sequencer.Batch
		if err := sequencer.DecodeBatch(append(data, fields...), &read); err != nil || read.Commands[0].Kind != 0 {
			t.Errorf("%q is read as %+v, %v", fields, read.Commands, err)
		}
	}
}
