package main

// equivalent is a mutant that no test can find or should find. It is known by its words
// and not by its place, so that it outlives changes around it.
type equivalent struct {
	file, function, text, change string
	reason                       string
}

// equivalents are the ones that were looked at. One that matches nothing any more makes
// the run fail.
var equivalents = []equivalent{
	{"wal/journal/parts.go", "parseHeight", "return 0", "0 → 1",
		"a name is compared with the one that its heights give, so what is no height never makes a part"},
	{"wal/journal/parts.go", "chain", "if p.First >= begin && p.First < first && p.Last >= next {",
		"p.First >= begin && p.First < first → p.First < first",
		"a part in front of the last gap ends in front of what is next too"},
	{"wal/journal/history.go", "History.read",
		"if first, last := h.journal.Range(); first > 0 && height >= first && height <= last {",
		"first > 0 && height >= first → first > 0 || height >= first",
		"a log that does not have a block says so, and the parts are asked then"},
	{"wal/journal/history.go", "History.AppendPage",
		"for next := q.Height + 1; next < q.Height+uint64(min(q.Blocks, PageBlocksMax)) && len(rest) <= most; next++ {",
		"next < q.Height+uint64(min(q.Blocks, PageBlocksMax)) && len(rest) <= most → " +
			"next < q.Height+uint64(min(q.Blocks, PageBlocksMax))",
		"a page that is full with a piece has no room for the next block, which is only read for nothing"},
	{"wal/journal/history.go", "History.AppendPage",
		"for next := q.Height + 1; next < q.Height+uint64(min(q.Blocks, PageBlocksMax)) && len(rest) <= most; next++ {",
		"len(rest) <= most → len(rest) < most",
		"a first block that fills the page leaves no room for the next, whole or not"},
	{"wal/journal/page.go", "ParsePage", "if len(data) < 4 || at >= min(q.Blocks, PageBlocksMax) {",
		"len(data) < 4 → len(data) <= 4",
		"a length without a byte behind it is refused in any case"},
	{"wal/journal/page.go", "ParsePage", "if len(data) < 4 || at >= min(q.Blocks, PageBlocksMax) {", "4 → 5",
		"a length without a byte behind it is refused in any case"},
	{"wal/journal/page.go", "ParsePage", "if length > BlockBytesMax || q.Offset >= length {",
		"q.Offset >= length → q.Offset > length",
		"no byte is left behind a block's end, and an empty piece is refused"},
	{"wal/journal/scan.go", "checker.part",
		`return fmt.Errorf("%w: %s ends at block %d", ErrCorrupt, p.Dir, c.before.Height)`,
		`remove: return fmt.Errorf("%w: %s ends at block %d", ErrCorrupt, p.Dir, c.before.Height)`,
		"the next folder's first block does not follow then; the message tells more"},
	{"wal/journal/scan.go", "checker.block", "case c.begun && b.RaftIndex <= c.before.RaftIndex:",
		"c.begun && b.RaftIndex <= c.before.RaftIndex → b.RaftIndex <= c.before.RaftIndex",
		"in front of the first block the index is 0, and raft counts from 1"},
	{"wal/journal/history.go", "History.leave", "h.view = nil", "remove: h.view = nil",
		"a view that was closed opens its segment again when it is read"},
	{"wal/journal/page.go", "ParsePageQuestion", "if len(data) > 0 && data[0] != pageVersion {", "0 → 1",
		"a byte alone is refused for its version or for its length"},
	{"wal/journal/journal.go", "DefaultOptions", "func DefaultOptions() Options { return Options{SegmentBytes: 16 << 20} }",
		"16 → 15", "a segment's size: blocks go on in the next one"},
	{"wal/journal/journal.go", "DefaultOptions", "func DefaultOptions() Options { return Options{SegmentBytes: 16 << 20} }",
		"20 → 19", "a segment's size: blocks go on in the next one"},
	{"wal/journal/scan.go", "checker.block", "if c.begun && index <= c.before.Height {",
		"c.begun && index <= c.before.Height → index <= c.before.Height",
		"in front of the first block the height is 0, and records count from 1"},
	{"wal/journal/history.go", "History.read",
		"if first, last := h.journal.Range(); first > 0 && height >= first && height <= last {",
		"first > 0 && height >= first && height <= last → first > 0 && height >= first || height <= last",
		"a log that does not have a block says so, and the parts are asked then"},
	{"wal/journal/history.go", "History.first", "if err == nil && len(block) > int(min(q.Bytes, PageBytesMax)) {",
		"err == nil && len(block) > int(min(q.Bytes, PageBytesMax)) → len(block) > int(min(q.Bytes, PageBytesMax))",
		"what could not be read has no bytes"},
	{"raftfsm/store/cache.go", "logCache.drop", "c.empty(0)", "0 → 1",
		"an empty cache begins anew at whatever comes next"},
	{"audit/ledger_seller.go", "Ledger.closed", "s.queue = nil", "remove: s.queue = nil",
		"who was cancelled is passed over in the queue; it only takes memory"},
	{"sequencer/batch_codec.go", "fieldBytes", "return 1, false", "1 → 0",
		"a length that is not there is refused where it is read (cutShort)"},
	{"sequencer/restore.go", "snapshotReader.births",
		"for last := uint64(0); length > 0 && r.err == nil; length -= birthBytes {",
		"length > 0 && r.err == nil → length > 0", "after an error every birth reads as zero, which is none and ends the loop"},
	{"sequencer/restore.go", "snapshotReader.births",
		"if length%birthBytes != 0 || length/birthBytes > BirthsMax {",
		"length%birthBytes != 0 || length/birthBytes > BirthsMax → length/birthBytes > BirthsMax",
		"a length that is no multiple runs past the section and ends in an error"},
	{"sequencer/restore.go", "snapshotReader.bytes", "return make([]byte, n)", "remove: return make([]byte, n)",
		"what is read after an error is not used; a part fits the buffer, whatever is in it"},
	{"sequencer/payment_ref.go", "ParsePaymentRef",
		"if p.Attempt = 10*tens + ones; tens > 9 || ones > 9 || p.Attempt < 1 || p.Attempt > AttemptsMax {", "9 → 10",
		"a byte behind the digits gives an attempt beyond AttemptsMax"},
	{"sequencer/snapshot.go", "Snapshot.WriteTo", "buffer := sn.appendHeader(make([]byte, 0, 1<<10))", "1 → 2",
		"a capacity: append grows it"},
	{"sequencer/snapshot.go", "Snapshot.WriteTo", "buffer := sn.appendHeader(make([]byte, 0, 1<<10))", "1 → 0",
		"a capacity: append grows it"},
	{"sequencer/snapshot.go", "Snapshot.WriteTo", "buffer := sn.appendHeader(make([]byte, 0, 1<<10))", "10 → 11",
		"a capacity: append grows it"},
	{"sequencer/snapshot.go", "Snapshot.WriteTo", "buffer := sn.appendHeader(make([]byte, 0, 1<<10))", "10 → 9",
		"a capacity: append grows it"},
	{"sequencer/snapshot.go", "Snapshot.WriteTo", "buffer := sn.appendHeader(make([]byte, 0, 1<<10))", "1<<10 → 1>>10",
		"a capacity: append grows it"},
	{"cluster/forward/follow.go", "Directory.pause", "defer timer.Stop()", "remove: defer timer.Stop()",
		"a timer that nobody holds is collected; it only takes memory until it fires"},
	{"cluster/forward/client.go", "sleep", "defer timer.Stop()", "remove: defer timer.Stop()",
		"a timer that nobody holds is collected; it only takes memory until it fires"},
	{"cluster/forward/frame.go", "newFrameReader",
		"return &frameReader{in: bufio.NewReaderSize(in, 64<<10), most: most}", "64<<10 → 64>>10",
		"a smaller buffer costs more reads of the connection, and changes no byte"},
	{"cluster/forward/server.go", "Server.serve",
		"if !errors.Is(err, io.EOF) && s.stop.Err() == nil {", "s.stop.Err() == nil → s.stop.Err() != nil",
		"it says what is logged"},
	{"cluster/forward/replica.go", "Replica.reaches", "return true", "remove: return true",
		"who waits for what was applied already is told at once"},
	{"cluster/forward/link.go", "Link.ask", "waiting := make(chan reply, 1)", "1 → 2",
		"a capacity: one answer is sent"},
	{"cluster/forward/frame.go", "newFrameReader",
		"return &frameReader{in: bufio.NewReaderSize(in, 64<<10), most: most}", "10 → 11", "a buffer's size changes no byte"},
	{"cluster/forward/frame.go", "newFrameReader",
		"return &frameReader{in: bufio.NewReaderSize(in, 64<<10), most: most}", "10 → 9", "a buffer's size changes no byte"},
	{"cluster/forward/link.go", "Link.ask", "l.next++", "l.next++ → l.next--",
		"ids only have to differ from those under way"},
	{"cluster/forward/exchange.go", "sender.sendFrame", `return nil, fmt.Errorf("%w: %w", errNotSent, err)`,
		`remove: return nil, fmt.Errorf("%w: %w", errNotSent, err)`,
		"only a connection that this end closed takes no deadline; writing to it fails too, and the batch is asked for by number"},
	{"cluster/forward/mirror.go", "salesAnswer.cut",
		"for end > 0 && end < len(a.Sales) && a.Sales[end].AsOfSeq == a.Sales[end-1].AsOfSeq && " +
			"a.Sales[end].AsOfTime == a.Sales[end-1].AsOfTime {", "0 → 1",
		"a page ends behind its first sale only when there is no other one"},
	{"payment/signature.go", "Verify", "return fmt.Errorf(\"%w: its time is %q\", ErrNotice, value)",
		"remove: return fmt.Errorf(\"%w: its time is %q\", ErrNotice, value)",
		"a time that is none stays 0, which is too old; only the words differ"},
	{"payment/begin.go", "Desk.begin", "charge, known := d.charge(&view, view.Attempts+1)", "1 → 2",
		"the charge gets the key of the attempt that began before anybody sees it"},
	{"payment/begin.go", "Desk.begin", "charge, known := d.charge(&view, view.Attempts+1)", "1 → 0",
		"the charge gets the key of the attempt that began before anybody sees it"},
	{"payment/begin.go", "Desk.begin", "charge, known := d.charge(&view, view.Attempts+1)",
		"view.Attempts+1 → view.Attempts-1", "the charge gets the key of the attempt that began before anybody sees it"},
	{"payment/desk.go", "NewDesk",
		"wake: make(chan struct{}, 1), working: map[uint64]chan struct{}{}, retries: map[uint64]retry{}, live: map[uint64]*live{},",
		"1 → 2",
		"one look more of the settlers finds nothing to do"},
	{"payment/settle.go", "Desk.void", "if errors.Is(err, ErrConflict) {",
		"errors.Is(err, ErrConflict) → !(errors.Is(err, ErrConflict))", "it decides what is logged, and nothing else"},
	{"payment/desk.go", "isStopping",
		"return errors.Is(err, sequencer.ErrStopping) || errors.Is(err, sequencer.ErrNoLeader) || " +
			"errors.Is(err, sequencer.ErrSuperseded)",
		"errors.Is(err, sequencer.ErrStopping) || errors.Is(err, sequencer.ErrNoLeader) → errors.Is(err, sequencer.ErrStopping)",
		"it decides what is logged, and nothing else"},
	{"payment/bounce.go", "Desk.look",
		"if !known || view.IsForeign() || view.Voided|view.Failed|moved(&view, disputed) == 0 && len(view.Parts) == 0 || !d.claim(order) {",
		"!known || view.IsForeign() || view.Voided|view.Failed|moved(&view, disputed) == 0 && len(view.Parts) == 0 → " +
			"!known || view.IsForeign()",
		"the same is asked of every attempt and every part behind; the order is claimed for nothing"},
	{"payment/reach.go", "Desk.moveClock", "if err != nil && !isStopping(err) {",
		"err != nil && !isStopping(err) → err != nil", "it decides what is logged, and nothing else"},
	{"payment/conclude.go", "Desk.conclude", "if err != nil && !isStopping(err) {", "!isStopping(err) → isStopping(err)",
		"it decides what is logged, and nothing else"},
}

func (e *equivalent) is(m *mutation) bool {
	return e.file == m.File && e.function == m.Function && e.text == m.Text && e.change == m.Change
}

// split leaves the equivalents out of a package's mutations. Used are the places in the
// list that matched.
func split(all []mutation, list []equivalent) (rest []mutation, used map[int]bool) {
	used = map[int]bool{}
	for i := range all {
		known := false
		for k := range list {
			if list[k].is(&all[i]) {
				known, used[k] = true, true
			}
		}
		if !known {
			rest = append(rest, all[i])
		}
	}
	return rest, used
}
