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
	{"wal/journal/page.go", "ParsePage", "if length > BlockBytesMax || q.Offset >= length {",
		"q.Offset >= length → q.Offset > length",
		"no byte is left behind a block's end, and an empty piece is refused"},
	{"wal/journal/scan.go", "checker.part",
		`return fmt.Errorf("%w: %s ends at block %d", ErrCorrupt, p.Dir, c.before.Height)`,
		`remove: return fmt.Errorf("%w: %s ends at block %d", ErrCorrupt, p.Dir, c.before.Height)`,
		"the next folder's first block does not follow then; the message tells more"},
	{"wal/journal/history.go", "History.leave", "h.view = nil", "remove: h.view = nil",
		"a view that was closed opens its segment again when it is read"},
	{"wal/journal/page.go", "ParsePageQuestion", "if len(data) > 0 && data[0] != pageVersion {", "0 → 1",
		"a byte alone is refused for its version or for its length"},
	{"audit/ledger_seller.go", "Ledger.closed", "s.queue = nil", "remove: s.queue = nil",
		"who was cancelled is passed over in the queue; it only takes memory"},
	{"sequencer/restore.go", "snapshotReader.state",
		"if reserved := le.Uint64(header[8:]) << 16 >> 24; reserved != 0 {", "24 → 23",
		"the one bit more is the highest of the version, which was compared"},
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
	{"cluster/forward/link.go", "Link.ask", "l.next++", "l.next++ → l.next--",
		"ids only have to differ from those under way"},
	{"cluster/forward/batch_answer.go", "batchAnswerer.answer", "failpoint.Hit(failpoint.ForwardReceive)",
		"remove: failpoint.Hit(failpoint.ForwardReceive)", "a program without failpoints has no such call; the nemesis uses it"},
	{"cluster/forward/exchange.go", "sender.sendFrame", `return nil, fmt.Errorf("%w: %w", errNotSent, err)`,
		`remove: return nil, fmt.Errorf("%w: %w", errNotSent, err)`,
		"only a connection that this end closed takes no deadline; writing to it fails too, and the batch is asked for by number"},
	{"payment/signature.go", "Verify", "return fmt.Errorf(\"%w: its time is %q\", ErrNotice, value)",
		"remove: return fmt.Errorf(\"%w: its time is %q\", ErrNotice, value)",
		"a time that is none stays 0, which is too old; only the words differ"},
	{"payment/settle.go", "Desk.resolve", "if err != nil && !isStopping(err) {", "!isStopping(err) → isStopping(err)",
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
