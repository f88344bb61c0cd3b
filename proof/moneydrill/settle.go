package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"onsale/api/contract"
)

const (
	// settleMax bounds the wait for the end of all payments, from the last fault or the last
	// deadline of an order that is paying; stillTime is for how long nothing may move while some
	// are not settled and nobody is paying in time: longer than a hold, its grace, an attempt that
	// is given up, and the pauses between two tries of a capture or refund.
	settleMax = 8 * time.Minute
	stillTime = saleHold + saleGrace + endedWithin
	lookEvery = 3 * time.Second
	// listers is how many buyers list their orders at once.
	listers   = 8
	listTries = 40
	// acknowledgedMax is how many failed refunds the seller takes note of.
	acknowledgedMax = 10
)

// settle waits until nothing moves any more, and gathers the evidence.
func (r *run) settle(ctx context.Context) (*evidence, error) {
	if err := r.stage.ready(ctx); err != nil {
		return nil, err
	}
	var second *reconciliation
	for _, folder := range []string{r.stage.provider.main, r.stage.provider.second, r.stage.provider.main} {
		said, err := r.visit(ctx, folder)
		if err != nil {
			return nil, err
		}
		if folder == r.stage.provider.second {
			second = said
		}
	}
	r.log("%d buyers list their orders", r.crowd.visits.Load())
	if err := r.listAll(ctx); err != nil {
		return nil, err
	}
	return r.gather(ctx, second)
}

// visit lets the provider have an account's books until all is settled that is under it; which
// account is accepted stays as it is. It takes note of some refunds that failed.
func (r *run) visit(ctx context.Context, folder string) (*reconciliation, error) {
	if folder != r.stage.provider.folder {
		if err := r.stage.provider.use(folder); err != nil {
			return nil, err
		}
	}
	said, err := r.still(ctx)
	if err != nil {
		return nil, err
	}
	r.log("%s: %d orders are not settled, %d differences", filepath.Base(folder), said.Unsettled, len(said.Differences))
	return said, r.acknowledge(ctx, said)
}

// still reconciles until what it says stays as it is, and nobody is paying in time any more.
func (r *run) still(ctx context.Context) (said *reconciliation, err error) {
	var last *reconciliation
	for end, since := time.Now().Add(settleMax), time.Now(); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, lookEvery) {
		said = new(reconciliation)
		if err = r.ask(ctx, said, "payments", "reconcile"); err != nil {
			continue
		}
		if last == nil || said.Unsettled != last.Unsettled || !slices.Equal(said.Differences, last.Differences) {
			last, since = said, time.Now()
			continue
		}
		if said.Unsettled <= said.elsewhere() && time.Since(since) > 3*lookEvery {
			return said, nil
		}
		open, failed := r.latest(ctx)
		if err = failed; err != nil {
			continue
		}
		r.waits(said, open)
		if after := open.until.Add(settleMax); after.After(end) {
			end = after
		}
		if time.Since(since) > stillTime && time.Since(open.until) > endedWithin {
			return said, nil
		}
	}
	if err = errors.Join(err, ctx.Err()); err == nil {
		err = fmt.Errorf("payments still move %v after the last fault or deadline: %d unsettled", settleMax, last.Unsettled)
	}
	return nil, err
}

// elsewhere counts the orders for which something is due under another account.
func (s *reconciliation) elsewhere() int {
	orders := map[string]bool{}
	for _, d := range s.Differences {
		if d.Kind == "other_account" {
			orders[d.Order] = true
		}
	}
	return len(orders)
}

// ask runs a command at the node that leads and reads what it prints.
func (r *run) ask(ctx context.Context, into any, args ...string) error {
	at := r.stage.leader(ctx)
	if at == nil {
		return errors.New("nobody leads")
	}
	out, err := r.stage.command(ctx, at, args...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, into)
}

// acknowledge takes note of some refunds that failed, each with its attempt and part; they stay
// differences.
func (r *run) acknowledge(ctx context.Context, said *reconciliation) error {
	left := acknowledgedMax
	for _, d := range said.Differences {
		if d.Kind != "not_returned" || left == 0 {
			continue
		}
		order, err := r.seller.at().Order(ctx, d.Order)
		if err != nil {
			r.log("not acknowledged: %v", err)
			continue
		}
		attempt, _ := strconv.ParseUint(d.Key[strings.LastIndexByte(d.Key, '-')+1:], 10, 8)
		for _, part := range failedParts(&order.Order) {
			if r.takeNote(ctx, d.Order, int(attempt), part) {
				left--
			}
		}
	}
	return nil
}

// failedParts are the numbers of an order's parts that could not go back; 0 is for all of it.
func failedParts(o *contract.Order) (numbers []int) {
	if o.State != statePaid {
		return []int{0}
	}
	for _, p := range o.Parts {
		if p.MoneyBack == moneyFailed {
			numbers = append(numbers, int(p.Part))
		}
	}
	return numbers
}

// takeNote says that a refund failed, twice, as after an answer that was lost; false when it did not.
func (r *run) takeNote(ctx context.Context, order string, attempt, part int) bool {
	for range 2 {
		var told contract.Order
		err := r.ask(ctx, &told, "payments", "acknowledge", order, "--attempt", strconv.Itoa(attempt), "--part", strconv.Itoa(part), "--reason", "drill")
		if err != nil {
			r.log("not acknowledged: %v", err) // it is due, and not failed
			return false
		}
	}
	r.ledger.count("failed refunds acknowledged")
	return true
}

// listAll lets every buyer list their orders: also who never heard what came of a buy.
func (r *run) listAll(ctx context.Context) error {
	visits := make(chan uint64)
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs error
	for range listers {
		group.Go(func() {
			for visit := range visits {
				if err := r.list(ctx, userName(visit)); err != nil {
					mu.Lock()
					errs = errors.Join(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for visit := range r.crowd.visits.Load() {
		visits <- visit + 1
	}
	close(visits)
	group.Wait()
	return errs
}

func (r *run) list(ctx context.Context, user string) (err error) {
	doors := r.stage.doors()
	for try := range listTries {
		buyer, failed := r.stage.buyer(user, doors[try%len(doors)])
		if failed != nil {
			return failed
		}
		page, failed := buyer.Orders(ctx, 0, "")
		if failed == nil {
			for i := range page.Orders {
				r.ledger.listed(&page.Orders[i], r.seller.isCancelled(page.Orders[i].Sale))
			}
			return nil
		}
		err = failed
		wait(ctx, 250*time.Millisecond)
	}
	return fmt.Errorf("%s cannot list: %w", user, err)
}

// gather asks for what is said at the end, and reads the books. second is what was said of the
// second account.
func (r *run) gather(ctx context.Context, second *reconciliation) (*evidence, error) {
	e := &evidence{At: time.Now(), Orders: r.ledger.orders(), Accounts: []*accountBooks{{}, {Said: *second}}}
	var orphans struct {
		Orphans []orphan `json:"orphans"`
	}
	var disputes struct {
		Disputes []dispute `json:"disputes"`
	}
	err := errors.Join(r.ask(ctx, &e.Accounts[0].Said, "payments", "reconcile"), r.ask(ctx, &orphans, "payments", "orphans"), r.ask(ctx, &disputes, "payments", "disputes"))
	e.Orphans, e.Disputed = orphans.Orphans, disputes.Disputes
	if err != nil {
		return nil, err
	}
	p := r.stage.provider
	for i, folder := range append([]string{p.main, p.second}, p.lost...) {
		b, err := readBooks(folder)
		if err != nil {
			return nil, err
		}
		if i < len(e.Accounts) {
			e.Accounts[i].Books = b
		} else {
			e.Lost = append(e.Lost, b)
		}
	}
	return e, nil
}
