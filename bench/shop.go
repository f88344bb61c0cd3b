package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
)

// Shop is something that sells behind the buy of the HTTP contract.
type Shop struct {
	Name string
	// Ceiling says that the answers are constants: there are no books, no cap and
	// no order to check.
	Ceiling bool
	// Open starts the shop's processes with no sale but those that are asked for.
	Open func(ctx context.Context, o *ShopOptions) (Stand, error)
}

// ShopOptions is what every shop is opened with.
type ShopOptions struct {
	DataParent string // where its temporary data goes; "" is the system's folder
	Secret     []byte // of the buyers' tokens
	Sales      []ShopSale
}

// ShopSale is a sale with a cap of ShopCap tickets for each buyer, and a hold that is longer
// than any run.
type ShopSale struct {
	ID      string
	Tickets uint32
}

// ShopCap is how many tickets each buyer may hold.
const ShopCap = 2

// ShopHold is how long an order is held; no ticket comes back within a run.
const ShopHold = time.Hour

// Books is what a shop itself says of a sale afterwards.
type Books struct {
	Held      uint64 `json:"held"`
	Available uint64 `json:"available"`
	// MostHeld is the most tickets that one buyer has; 0 when the shop does not tell.
	MostHeld uint64 `json:"most_held"`
}

// errNotSold is returned when a shop sold what it must not, or did not what it must.
var errNotSold = errors.New("the shop does not sell as it must")

// Exact compares a shop's books with how many tickets there were, all of which are to be
// gone, and how many buyers were told that they hold.
func (b *Books) Exact(tickets, told uint64) error {
	if told != tickets || b.Held != told || b.Held+b.Available != tickets || b.MostHeld > ShopCap {
		return fmt.Errorf("%w: %d of %d tickets were told, the books hold %d and have %d left, at most %d for one buyer",
			errNotSold, told, tickets, b.Held, b.Available, b.MostHeld)
	}
	return nil
}

// Stand is a shop that is open.
type Stand interface {
	// Address returns the listener that takes buys now.
	Address(ctx context.Context) (string, error)
	// Processes returns the ids of the processes that serve; their children count too.
	Processes() []int
	Books(ctx context.Context, sale string) (Books, error)
	// Close ends the processes, checks what can be checked afterwards and removes
	// the data.
	Close() error
}

// NewOnsale returns onsale itself as a shop: so many nodes of a program.
func NewOnsale(program string, nodes int) Shop {
	name := "onsale"
	if nodes > 1 {
		name = fmt.Sprintf("onsale, %d nodes", nodes)
	}
	return Shop{Name: name, Open: func(ctx context.Context, o *ShopOptions) (Stand, error) {
		setup := &Setup{Program: program, DataParent: o.DataParent, Nodes: nodes, Log: io.Discard}
		c, err := startCluster(ctx, setup, o.Secret, 0)
		if err != nil {
			return nil, err
		}
		s := &onsaleStand{cluster: c}
		for _, sale := range o.Sales {
			if _, s.seller, err = c.createSale(ctx, contract.NewSale{ID: sale.ID, Quantity: sale.Tickets}); err != nil {
				return nil, errors.Join(err, s.Close())
			}
		}
		return s, nil
	}}
}

type onsaleStand struct {
	cluster *cluster
	seller  *client.Seller
}

func (s *onsaleStand) Address(ctx context.Context) (string, error) {
	return s.cluster.buyersAddress(ctx)
}

func (s *onsaleStand) Processes() []int { return s.cluster.processes() }

func (s *onsaleStand) Books(ctx context.Context, sale string) (Books, error) {
	detail, err := s.seller.Sale(ctx, sale)
	if err != nil {
		return Books{}, err
	}
	return Books{Held: uint64(detail.Held) + uint64(detail.Sold), Available: uint64(detail.Available)}, nil
}

// Close lets the audit decide every request of every journal again.
func (s *onsaleStand) Close() error {
	audits, err := s.cluster.finish(nil)
	return errors.Join(err, (&Ending{Audits: audits}).Exact())
}
