package sequencer

import "io"

// State is stubbed while its contract settles.
type State struct{}

func New() *State                                                          { return &State{} }
func (s *State) Apply(b *Batch, d *Decisions)                              {}
func (s *State) Seq() uint64                                               { return 0 }
func (s *State) Now() int64                                                { return 0 }
func (s *State) Hash() uint64                                              { return 0 }
func (s *State) NextDue() (int64, bool)                                    { return 0, false }
func (s *State) SaleCount() int                                            { return 0 }
func (s *State) Sale(number uint16) (SaleView, bool)                       { return SaleView{}, false }
func (s *State) SaleNumber(id string) (uint16, bool)                       { return 0, false }
func (s *State) TouchedSales() []uint16                                    { return nil }
func (s *State) Order(seq uint64) (OrderView, bool)                        { return OrderView{}, false }
func (s *State) OrdersOf(user []byte, after uint64, limit int) []OrderView { return nil }
func (s *State) Verify() error                                             { return nil }
func (s *State) Snapshot() *Snapshot                                       { return nil }

type Snapshot struct{}

func (sn *Snapshot) WriteTo(w io.Writer) (int64, error) { return 0, nil }
func ReadSnapshot(r io.Reader) (*State, error)          { return nil, nil }
