package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"onsale/api/client"
)

// office is sellers who look at a sale's orders, each as fast as they are answered: one lists, one
// exports all, one searches.
type office struct {
	seller *client.Seller
	orders uint64

	stop  context.CancelFunc
	group sync.WaitGroup

	mu      sync.Mutex
	work    OfficeWork
	latency *hdrhistogram.Histogram // of pages and searches, microseconds
	failure error
}

// OfficeWork is what sellers got to see.
type OfficeWork struct {
	Pages    uint64             `json:"pages"`    // of 100 orders
	Exports  uint64             `json:"exports"`  // of all orders, whole ones
	Exported uint64             `json:"exported"` // orders, of exports under way too
	Searches uint64             `json:"searches"` // by user, by reference, and an order's history
	Millis   map[string]float64 `json:"latency_ms"`
}

// officePage is the orders of a page.
const officePage = 100

// open lets the sellers begin.
func (f *office) open(ctx context.Context) {
	ctx, f.stop = context.WithCancel(ctx)
	f.latency = newLatency()
	for _, work := range []func(context.Context) error{f.list, f.export, f.search} {
		f.group.Go(func() {
			if err := work(ctx); err != nil && ctx.Err() == nil {
				f.mu.Lock()
				f.failure = errors.Join(f.failure, err)
				f.mu.Unlock()
			}
		})
	}
}

// close ends their work and returns it; an office that was not opened has done none.
func (f *office) close() (OfficeWork, error) {
	if f.stop == nil {
		return OfficeWork{}, nil
	}
	f.stop()
	f.group.Wait()
	f.work.Millis = millis(f.latency)
	return f.work, f.failure
}

// list turns pages, and begins again behind the last one.
func (f *office) list(ctx context.Context) error {
	for after := ""; ; {
		began := time.Now()
		page, err := f.seller.SaleOrders(ctx, saleOfOrders, client.OrderFilter{}, officePage, after)
		if err != nil {
			return err
		}
		f.note(began, &f.work.Pages)
		if after = page.Cursor; !page.HasMore {
			after = ""
		}
	}
}

// export takes all orders, again and again.
func (f *office) export(ctx context.Context) error {
	for {
		count := uint64(0)
		for _, err := range f.seller.AllOrders(ctx, saleOfOrders, client.OrderFilter{}) {
			if err != nil {
				return err
			}
			count++
			f.mu.Lock()
			f.work.Exported++
			f.mu.Unlock()
		}
		if count != f.orders {
			return fmt.Errorf("%w: an export has %d of %d orders", errInexact, count, f.orders)
		}
		f.mu.Lock()
		f.work.Exports++
		f.mu.Unlock()
	}
}

// search looks for a buyer, for a reference, and for what happened to that order.
func (f *office) search(ctx context.Context) error {
	for n := uint64(0); ; n = (n + 7919) % f.orders { // a prime: all over the sale
		user, reference := fmt.Sprint("buyer-", n), fmt.Sprint("cart-", n)
		began := time.Now()
		byUser, err := f.first(ctx, client.OrderFilter{User: user})
		if err != nil {
			return err
		}
		f.note(began, &f.work.Searches)
		began = time.Now()
		byReference, err := f.first(ctx, client.OrderFilter{Reference: reference})
		if err != nil {
			return err
		}
		f.note(began, &f.work.Searches)
		if byUser != byReference {
			return fmt.Errorf("%w: %s has order %q, %s order %q", errInexact, user, byUser, reference, byReference)
		}
		began = time.Now()
		told, err := f.seller.OrderHistory(ctx, byUser, "")
		if err == nil && len(told.Events) != 1 {
			err = fmt.Errorf("%w: the history of %s is %+v", errInexact, byUser, told)
		}
		if err != nil {
			return err
		}
		f.note(began, &f.work.Searches)
	}
}

// first returns the uid of the first order that is found. A page may be empty and say that there
// is more.
func (f *office) first(ctx context.Context, filter client.OrderFilter) (string, error) {
	for order, err := range f.seller.AllOrders(ctx, saleOfOrders, filter) {
		if err != nil {
			return "", err
		}
		return order.UID, nil
	}
	return "", fmt.Errorf("%w: no order of %+v", errInexact, filter)
}

func (f *office) note(began time.Time, count *uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*count++
	record(f.latency, time.Since(began))
}
