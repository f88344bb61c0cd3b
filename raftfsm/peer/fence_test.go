package peer

import (
	"errors"
	"sync"
	"testing"
)

// fences records what a process is told.
type fences struct {
	mu   sync.Mutex
	told []error
	by   []string
}

func (f *fences) record(by *Identity, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told, f.by = append(f.told, err), append(f.by, by.ID)
}

func (f *fences) is(t *testing.T, whose, by string, want error) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case want == nil && len(f.told) == 0:
	case want != nil && len(f.told) == 1 && errors.Is(f.told[0], want) && f.by[0] == by:
	default:
		t.Errorf("%s was told %v by %v, want %v", whose, f.told, f.by, want)
	}
}

// Whoever calls whom, the node whose cluster was succeeded is told so, and the other refuses
// it; clusters that parted refuse each other, and both are told.
func TestNodesOfOtherBirths(t *testing.T) {
	for name, c := range map[string]struct {
		caller, listener       string
		err                    error
		callerTold, listenTold error
	}{
		"the caller is superseded": {"ab", "abc", ErrSuperseded, ErrSuperseded, nil},
		"the node is superseded":   {"abc", "a", ErrOlderCluster, nil, ErrSuperseded},
		"they part":                {"abc", "abd", ErrParted, ErrParted, ErrParted},
		"they are unrelated":       {"ab", "cd", ErrOtherCluster, nil, nil},
	} {
		for i, service := range []Service{Raft, Forward, Raft, Forward} {
			t.Run(name, func(t *testing.T) {
				var here, there fences
				listening, calling := configOf("n1", Node, lineage(c.listener)), configOf("n2", Node, lineage(c.caller))
				listening.Fenced, calling.Fenced = there.record, here.record
				if i > 1 {
					listening.Credentials, calling.Credentials = credentialsOf(t, "n1"), credentialsOf(t, "n2")
					listening.Secrets, calling.Secrets = secretsOf(oneSecret), secretsOf(oneSecret)
				}
				l, address := serve(t, listening)
				// The node that was wanted is not there: the successor may have another id.
				if _, err := Dial(t.Context(), &calling, address, service, "n9"); !errors.Is(err, c.err) {
					t.Errorf("answered %v, want %v", err, c.err)
				}
				here.is(t, "the caller", "n1", c.callerTold)
				there.is(t, "the node", "n2", c.listenTold)
				_, refusals := l.Connections()
				eventually(t, "the refusal", func() bool { _, refusals = l.Connections(); return refusals == 1 })
			})
		}
	}
}

// memory is a Known of a test.
type memory struct {
	births Lineage
	met    []Relation
}

func (m *memory) Births() (Lineage, uint8) { return m.births, 3 }

func (m *memory) Meet(node *Identity) error {
	relation := m.births.RelationOf(node.Births)
	m.met = append(m.met, relation)
	switch relation {
	case Unknown, Newer:
		m.births = node.Births
		return nil
	case Same:
		return nil
	}
	return ErrOlderCluster
}

// A front-end takes a newer list over and is let in; whatever it says of a newer cluster,
// no node is superseded by it.
func TestFrontEndsOfOtherBirths(t *testing.T) {
	for name, c := range map[string]struct {
		knows string
		err   error
		want  string // that it knows afterwards
	}{
		"it knows none":           {"", nil, "abc"},
		"it knows the same":       {"abc", nil, "abc"},
		"it knows an older one":   {"a", nil, "abc"},
		"it knows a newer one":    {"abcd", ErrOlderCluster, "abcd"},
		"it knows one that parts": {"abx", ErrOlderCluster, "abx"}, // memory's word for all refusals
	} {
		t.Run(name, func(t *testing.T) {
			var there fences
			listening := configOf("n1", Node, lineage("abc"))
			listening.Fenced = there.record
			l, _ := serve(t, listening)
			known := &memory{births: lineage(c.knows)}
			calling := configOf("f1", FrontEnd, nil)
			calling.Known = known
			here, _, err := meet(t, l, &calling, Forward, "")
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("answered %v, want %v", err, c.err)
			}
			if known.births.RelationOf(lineage(c.want)) != Same || len(known.births) != len(c.want) {
				t.Errorf("it knows %v", known.births)
			}
			there.is(t, "the node", "", nil)
			if err == nil && calling.Accepts(&here.Peer) != nil {
				t.Error("a connection that was made is not accepted")
			}
			if known.births = lineage("abcd"); err == nil && !errors.Is(calling.Accepts(&here.Peer), ErrOlderCluster) {
				t.Error("a connection of a cluster that was superseded since is accepted")
			}
		})
	}
}

// Of two processes with one id the one that was started later goes on: the other's
// connections end, and it is told when it comes again.
func TestTwoProcessesWithOneID(t *testing.T) {
	listening := configOf("n1", Node, lineage("a"))
	listening.Start, listening.Starts = 7, new(Starts)
	var there fences
	listening.Fenced = there.record
	l, address := serve(t, listening)

	var first fences
	older, newer := configOf("n2", Node, lineage("a")), configOf("n2", Node, lineage("a"))
	older.Start, newer.Start, older.Fenced = 4, 5, first.record
	open, _, err := meet(t, l, &older, Raft, "n1")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := meet(t, l, &newer, Raft, "n1"); err != nil {
		t.Fatal(err)
	}
	if n, err := open.Read(make([]byte, 1)); err == nil {
		t.Errorf("the older process's connection goes on: %d bytes", n)
	}
	first.is(t, "the older process", "", nil)
	if _, err := Dial(t.Context(), &older, address, Forward, "n1"); !errors.Is(err, ErrReplaced) {
		t.Errorf("the older process was answered %v", err)
	}
	first.is(t, "the older process", "n1", ErrReplaced)
	if _, _, err := meet(t, l, &newer, Forward, "n1"); err != nil {
		t.Errorf("the newer process: %v", err)
	}

	same := configOf("n1", Node, lineage("a"))
	for start, want := range map[uint64]error{6: ErrReplaced, 7: nil, 8: ErrRefused} {
		same.Start = start
		if _, _, err := meet(t, l, &same, Forward, ""); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("with the listener's own id and start %d: %v, want %v", start, err, want)
		}
	}
	there.is(t, "the listener", "n1", ErrReplaced)
}

// A caller does not take the older of two processes either.
func TestCallingTheOlderProcess(t *testing.T) {
	listening := configOf("n1", Node, lineage("a"))
	listening.Start = 4
	_, address := serve(t, listening)
	calling := configOf("n2", Node, lineage("a"))
	calling.Starts = new(Starts)
	calling.Starts.Note("n1", 5)
	if _, err := Dial(t.Context(), &calling, address, Forward, "n1"); !errors.Is(err, ErrOlderStart) {
		t.Errorf("answered %v", err)
	}
}

func TestStartsAreBounded(t *testing.T) {
	var s Starts
	for i := range startsMax + 10 {
		if id := string(rune(i + 1)); !s.Note(id, 5) {
			t.Errorf("node %d was refused", i)
		}
	}
	if len(s.highest) != startsMax {
		t.Errorf("%d nodes are remembered", len(s.highest))
	}
	if first := string(rune(1)); s.Note(first, 4) || !s.Note(first, 5) || !s.Note(first, 6) || s.Note(first, 5) {
		t.Error("the highest start was forgotten")
	}
	var none *Starts
	if !none.Note("n1", 0) {
		t.Error("nobody remembers, and somebody was refused")
	}
}

// Who does not speak the level of the other's cluster is refused, whoever calls, and is told so.
func TestLevels(t *testing.T) {
	at := func(speaks, level uint16) func() (uint16, uint16) {
		return func() (uint16, uint16) { return speaks, level }
	}
	for name, c := range map[string]struct {
		caller, listener       func() (uint16, uint16)
		err                    error
		callerTold, listenTold error
	}{
		"both the same":           {at(2, 2), at(2, 2), nil, nil, nil},
		"the caller could more":   {at(3, 2), at(2, 2), nil, nil, nil},
		"nobody says":             {nil, at(2, 2), nil, nil, nil},
		"the caller speaks less":  {at(1, 0), at(2, 2), ErrLevel, ErrBelow, nil},
		"the listener does":       {at(2, 2), at(1, 1), ErrLevel, nil, ErrBelow},
		"the cluster is not yet":  {at(1, 1), at(2, 1), nil, nil, nil},
		"a front-end that is old": {at(1, 0), at(3, 2), ErrLevel, ErrBelow, nil},
	} {
		t.Run(name, func(t *testing.T) {
			listening, calling := configOf("n1", Node, lineage("a")), configOf("n2", Node, lineage("a"))
			var calls, listens fences
			listening.Levels, calling.Levels = c.listener, c.caller
			listening.Build, calling.Build = "v2 of the listener", "v1 of the caller"
			listening.Fenced, calling.Fenced = listens.record, calls.record
			l, _ := serve(t, listening)
			here, there, err := meet(t, l, &calling, Forward, "n1")
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Fatalf("answered %v, want %v", err, c.err)
			}
			calls.is(t, "the caller", "n1", c.callerTold)
			listens.is(t, "the listener", "n2", c.listenTold)
			if err != nil || c.caller == nil {
				return
			}
			if speaks, level := c.listener(); here.Peer.Speaks != speaks || here.Peer.Level != level || here.Peer.Build != "v2 of the listener" {
				t.Errorf("the caller saw %+v", here.Peer)
			}
			if speaks, level := c.caller(); there.Peer.Speaks != speaks || there.Peer.Level != level || there.Peer.Build != "v1 of the caller" {
				t.Errorf("the listener saw %+v", there.Peer)
			}
		})
	}
}
