package main

// bug is one that the tests must find. It is planted while the test is built: the
// compiler reads changed copies of some files (go build -overlay), so that nothing
// of it is in the program, not even a switch.
type bug struct {
	name  string
	edits []edit
	// layer, pkg and run are which tests should find it. They check a property, and
	// know nothing of the bug.
	layer, pkg, run string
}

// edit replaces a text that is in a file once.
type edit struct{ file, from, to string }

const (
	layerA       = "A simulation"
	layerB       = "B storage"
	layerC       = "C replication"
	layerPayment = "payment"
	layerForward = "forward"
)

// bugs are those of the reliability targets, and one more for each rule that came later.
var bugs = []bug{
	{"answer before fsync", []edit{{"wal/log.go",
		"NoSync: l.options.NoSync, SegmentSize",
		"NoSync: true, SegmentSize"}},
		layerB, "./wal", "TestPowerCutAfterEveryCall"},
	{"skip the cap by one", []edit{{"sequencer/buy.go",
		"int(c.Quantity)+live > int(sale.spec.Cap):",
		"int(c.Quantity)+live > int(sale.spec.Cap)+1:"}},
		layerA, "./sequencer", "TestRandom$"},
	{"expire by the local clock", []edit{{"raftfsm/fsm.go",
		"	started := time.Now()\n	m.mu.Lock()",
		"	started := time.Now()\n	m.batch.Time = started.UnixNano()\n	m.mu.Lock()"}},
		layerC, "./raftfsm", "TestOneNodeDecidesAndRecovers|TestLeaderStoppedUnderLoad"},
	{"retry with a new key", []edit{{"payment/pay.go",
		"	if err != nil {\n		return Status{Phase: Processing}, err\n	}",
		"	if err != nil {\n		c.Key += \"-again\"\n		again, cancel := d.call()\n		defer cancel()\n		return d.provider.Authorise(again, c, method)\n	}"}},
		layerPayment, "./payment", "TestCrashAtEveryStep|TestManyTabs|TestMethods"},
	{"map-order iteration", []edit{{"sequencer/apply.go",
		"	for !s.timers.empty() && s.timers.first().due <= s.now {\n		entry := s.timers.pop()\n",
		"	ripe := map[uint32]timer{}\n	for !s.timers.empty() && s.timers.first().due <= s.now {\n		entry := s.timers.pop()\n		ripe[entry.order] = entry\n	}\n	for _, entry := range ripe {\n"}},
		layerA, "./sequencer", "TestRandom$"},
	{"drop the checksum", []edit{{"wal/frame.go",
		"return sum == binary.LittleEndian.Uint32(data[13:])",
		"_ = sum\n	return true"}},
		layerB, "./wal", "TestEveryBitFlip"},
	{"restore without swap", []edit{{"raftfsm/fsm.go",
		"	m.state = state\n	m.entries.Store(0)",
		"	m.entries.Store(0)"}},
		layerC, "./raftfsm", "TestSnapshotRestartAndCompaction|TestFollowerFromSnapshot"},
	{"double capture", []edit{{"payment/settle.go",
		"			d.void(order, number, charge)",
		"			d.capture(order, number, charge)"}},
		layerPayment, "./payment", "TestCrashAtEveryStep|TestMoneyGoesBack|TestHoldEnds"},
	{"a replica applies uncommitted", []edit{
		{"raftfsm/node.go",
			"	n.batcher.noteStored(logs)\n}\n",
			"	for _, l := range logs {\n			if l.Type == raft.LogCommand {\n				early.Store([2]any{n.machine, l.Index}, n.machine.Apply(l))\n			}\n		}\n		n.batcher.noteStored(logs)\n}\n"},
		{"raftfsm/fsm.go",
			"func (m *machine) Apply(l *raft.Log) any {\n",
			"func (m *machine) Apply(l *raft.Log) any {\n	if d, done := early.LoadAndDelete([2]any{m, l.Index}); done {\n		return d\n	}\n"},
		{"raftfsm/fsm.go",
			"var _ raft.FSM = (*machine)(nil)\n",
			"var _ raft.FSM = (*machine)(nil)\n\nvar early sync.Map\n"}},
		layerC, "./raftfsm", "TestBubble$"},
	{"journal not fsynced before snapshot", []edit{{"raftfsm/snapshot.go",
		"	err := f.journal.Sync()\n",
		"	var err error\n"}},
		layerB, "./raftfsm", "TestJournalAfterAPowerCut"},
	{"a second order under one key", []edit{{"sequencer/owned.go",
		"	if number, bound = s.walkForKey(key, own.newest); bound {\n		return number, true\n	}\n",
		""}},
		layerA, "./sequencer", "TestRandom$|TestOrdersPerUserAndSale"},
	{"FIFO swap inside a batch", []edit{{"sequencer/apply.go",
		"		for i := range chunk {\n			s.before",
		"		for k := range chunk {\n			i := k ^ 1\n			if i >= len(chunk) {\n				i = k\n			}\n			s.before"}},
		layerA, "./sequencer", "TestRandom$"},
	{"the newest attempt goes back for an older one", []edit{{"payment/settle.go",
		"			charge.Key = sequencer.PaymentRef(charge.Order, number)\n",
		""}},
		layerPayment, "./payment", "TestOlderAttemptGoesBack"},
	{"cannot be done now is noted as done", []edit{{"payment/settle.go",
		" || status.Outcome() == sequencer.PayUnknown || status.Outcome() == sequencer.PayAccepted {",
		" {"}},
		layerPayment, "./payment", "TestNotNow"},
	{"a lapsed authorisation is noted as captured", []edit{{"payment/pay.go",
		"if status.Phase != Captured {",
		"if status.Phase == Processing {"}},
		layerPayment, "./payment", "TestLapsed"},
	{"a settler's place is not given back", []edit{{"payment/settle.go",
		"d.counters.settling.Add(-1); <-d.settlers }()",
		"d.counters.settling.Add(-1) }()"}},
		layerPayment, "./payment", "TestMoreUnsettledThanSettlers"},
	{"a difference is told that was there once", []edit{{"payment/reconcile.go",
		"if err != nil || len(first.Differences) == 0 {",
		"if err != nil || len(first.Differences) >= 0 {"}},
		layerPayment, "./payment", "TestReconcileLooksTwice"},
	{"a batch in doubt is decided again in a new session", []edit{{"cluster/forward/sender.go",
		"		s.session, b.numbered = 0, false\n		if b.maybe {\n			return unknown(err), true\n		}\n",
		"		s.session, b.numbered = 0, false\n"}},
		layerForward, "./cluster/forward", "TestSenderPlayed"},
	{"not taken is said of what may have been taken", []edit{{"cluster/forward/sender.go",
		"b.maybe = b.maybe || b.sent && mayBeTaken(err)",
		"b.maybe = b.sent && mayBeTaken(err)"}},
		layerForward, "./cluster/forward", "TestSenderPlayed"},
	{"a leader that was deposed is waited for", []edit{{"cluster/forward/exchange.go",
		"				_ = conn.SetDeadline(time.Unix(1, 0)) // as above\n",
		""}},
		layerForward, "./cluster/forward", "TestWhoWasDeposedIsLeft"},
	{"a snapshot is taken early after an installed one", []edit{{"raftfsm/fsm.go",
		"	m.entries.Store(0)\n	m.bytes.Store(0)\n	m.published.Replace(state)\n",
		"	m.published.Replace(state)\n"}},
		layerC, "./raftfsm", "TestRestore"},
	{"an installed snapshot is told to nobody who waits", []edit{{"raftfsm/fsm.go",
		"	m.changes.Reset(head.Height)\n",
		""}},
		layerC, "./raftfsm", "TestRestore"},
	{"what is being cancelled is accepted", []edit{{"payment/settle.go",
		"		r.cancelling = true\n",
		""}},
		layerPayment, "./payment", "TestCancelledOn"},
}
