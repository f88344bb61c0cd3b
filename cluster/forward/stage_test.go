package forward

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"onsale/cluster/codes"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// verdict is what a scripted node says of a batch, or of who opens a session. Only those
// that leave open what was done may have done it.
type verdict int

const (
	decides verdict = iota
	namesLeader
	namesAnother
	namesNobody
	isOverloaded
	isStopping
	rejects
	forgets // all sessions, and goes on as if it decided
	losesOfficeAfter
	losesOfficeBefore
	losesOfficeAndDecidesLater
	isBehindAfter
	isBehindBefore
	verdicts
)

// accident is what befalls an answer on its way.
type accident int

const (
	arrives accident = iota
	comesLate
	lostBefore // nothing was done
	lostAfter
	hangsBefore
	hangsAfter
	hangsAndDecidesLater
	garbledBefore
	garbledAfter
	newerBefore // a code that nobody knows yet
	newerAfter
	accidents
)

// script is what the nodes of a play draw from.
type script struct {
	mu        sync.Mutex
	random    *rand.Rand
	verdicts  []verdict
	accidents []accident
	calm      bool // the leader decides, the others name it
	leader    int
	granted   map[uint64]Limits // by session
	nodes     []*stage
	log       *fakeLog
}

// stage is one node of a play.
type stage struct {
	*script
	Node
	number      int
	id, address string
	limits      Limits
}

func (s *script) drawAccident() accident {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calm {
		return arrives
	}
	return s.accidents[s.random.IntN(len(s.accidents))]
}

func (s *script) chance(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.calm && s.random.IntN(n) == 0
}

func (s *script) upTo(d time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.random.Int64N(int64(d)))
}

// Leader is true by half of what a node says of itself while there is no calm.
func (s *stage) Leader() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calm && s.leader == s.number || !s.calm && s.random.IntN(2) == 0 {
		return nil
	}
	return s.notLeader(s.leader)
}

func (s *script) notLeader(named int) error {
	return &sequencer.NotLeaderError{LeaderID: s.nodes[named].id, LeaderAddress: s.nodes[named].address}
}

// Decide opens sessions.
func (s *stage) Decide(*sequencer.Command) (sequencer.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	opened := new(sequencer.Result) // what is opened late is told to nobody
	err := s.judge(func() { opened.Seq = s.open(s.limits) })
	return *opened, err
}

func (s *stage) DecideMany(frames []byte, count int, results []sequencer.Result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// What is executed late has nobody to tell: the caller has its memory back by then.
	own, decided := append([]byte(nil), frames...), make([]sequencer.Result, len(results))
	err := s.judge(func() { s.log.execute(own, decided) })
	if err == nil {
		copy(results, decided)
	}
	return err
}

func (s *script) open(limits Limits) uint64 {
	session := s.log.open()
	s.granted[session] = limits
	return session
}

func (s *script) grantOf(session uint64) Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.granted[session]
}

// ownStage is the node of the client's process, to which no connection leads.
type ownStage struct{ *stage }

func (s ownStage) DecideMany(frames []byte, count int, results []sequencer.Result) error {
	s.received(frames, s.limits)
	return s.stage.DecideMany(frames, count, results)
}

func (s *stage) received(frames []byte, limits Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.received(frames, limits)
}

// judge does what the next verdict says.
func (s *stage) judge(do func()) error {
	switch v := s.drawVerdict(); v {
	case forgets:
		clear(s.log.sessions)
	case namesLeader, namesAnother, namesNobody:
		return s.names(v)
	case isOverloaded:
		return sequencer.ErrOverloaded
	case isStopping:
		return sequencer.ErrStopping
	case rejects:
		return inbox.ErrFrames
	case losesOfficeBefore:
		return sequencer.ErrOutcomeUnknown
	case isBehindBefore:
		return sequencer.ErrBehind
	case losesOfficeAfter:
		do()
		return sequencer.ErrOutcomeUnknown
	case isBehindAfter:
		do()
		return sequencer.ErrBehind
	case losesOfficeAndDecidesLater:
		s.later(do)
		return sequencer.ErrOutcomeUnknown
	}
	do()
	return nil
}

func (s *stage) drawVerdict() verdict {
	switch {
	case !s.calm:
		return s.verdicts[s.random.IntN(len(s.verdicts))]
	case s.leader == s.number:
		return decides
	}
	return namesLeader
}

func (s *stage) names(v verdict) error {
	switch v {
	case namesLeader:
		return s.notLeader(s.leader)
	case namesAnother:
		return s.notLeader(s.random.IntN(len(s.nodes)))
	}
	return &sequencer.NotLeaderError{}
}

// later does what was left open after a while: an entry that the next leader commits.
func (s *script) later(do func()) {
	time.AfterFunc(time.Duration(s.random.Int64N(int64(2*playedDecideTimeout))), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		do()
	})
}

// Past tells decisions of a batch that was executed before, or has not kept them.
func (s *stage) Past(first uint64, results []sequencer.Result) error {
	if s.chance(4) {
		return codes.ErrToldNoMore
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if copy(results, s.log.past[first]) != len(results) {
		s.log.violated("%d decisions from %d are asked for, there are %d", len(results), first, len(s.log.past[first]))
	}
	return nil
}

// serve answers one connection.
func (s *stage) serve(conn net.Conn) {
	defer conn.Close()
	for in := newFrameReader(conn, FrameBytesMax); ; {
		f, err := in.next()
		if err != nil {
			return
		}
		if f.kind == kindBatch {
			session, _, _, _ := sequencer.ParseForward(f.body)
			s.received(f.body, s.grantOf(session))
		}
		data := s.befalls(s.drawAccident(), f)
		if data == nil {
			return
		}
		if _, err := conn.Write(data); err != nil {
			return
		}
	}
}

// befalls returns what comes back; nil ends the connection.
func (s *stage) befalls(a accident, f frame) []byte {
	switch a {
	case arrives:
		return s.answer(f)
	case comesLate:
		time.Sleep(s.upTo(2 * playedAttemptTimeout))
		return s.answer(f)
	case lostAfter:
		s.answer(f)
	case hangsAfter:
		s.answer(f)
		time.Sleep(2 * playedAttemptTimeout)
	case hangsBefore:
		time.Sleep(2 * playedAttemptTimeout)
	case hangsAndDecidesLater:
		own := frame{f.kind, f.code, f.id, append([]byte(nil), f.body...)}
		time.AfterFunc(s.upTo(2*playedDecideTimeout), func() { s.answer(own) })
		time.Sleep(2 * playedAttemptTimeout)
	case garbledAfter:
		return s.garbled(s.answer(f))
	case garbledBefore:
		return s.garbled(framed(nil, 0, f.id))
	case newerAfter:
		s.answer(f)
		return framed(nil, 99, f.id)
	case newerBefore:
		return framed(nil, 99, f.id)
	}
	return nil
}

func framed(body []byte, code codes.Code, id uint64) []byte {
	data := append(make([]byte, frameHeaderBytes), body...)
	putFrameHeader(data, kindAnswer, code, id)
	return data
}

// garbled changes an answer so that it is none.
func (s *stage) garbled(data []byte) []byte {
	switch s.upTo(5) {
	case 0:
		data[8]++ // of another question
	case 1:
		data[4] = byte(kindBatch)
	case 2:
		data[7] = 1
	case 3: // as many bytes as it says, but no decisions
		data = framed([]byte("garbage"), codes.OK, binary.LittleEndian.Uint64(data[8:]))
	default:
		data[0]++ // one byte more is to come, and does not
	}
	return data
}

// answer is the truth.
func (s *stage) answer(f frame) []byte {
	var body []byte
	var err error
	switch f.kind {
	case kindSession:
		var granted grant
		granted, err = openSession(s, s.limits)
		body = granted.append(nil)
	case kindBatch:
		body, err = execute(s, f.body, new([]sequencer.Result), nil)
	default:
		panic(fmt.Sprintf("a sender asks for kind %d", f.kind))
	}
	code := codes.OK
	if err != nil {
		body, code = codes.Append(nil, err)
	}
	return framed(body, code, f.id)
}
