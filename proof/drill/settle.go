//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// settleTime is for how long all is left alone before the end is looked at: holds, payments
// in their grace, and captures.
const settleTime = churnHold + churnGrace + 10*time.Second

// settle waits until time and payments have done their part, and lists all orders at every
// door.
func (r *drill) settle(ctx context.Context) error {
	r.log("waiting %v for holds and payments", settleTime)
	pause(ctx, settleTime)
	if err := r.calm(ctx, r.options.calm); err != nil {
		return err
	}
	r.log("listing all orders at every door")
	var group sync.WaitGroup
	users := make(chan int)
	errs := make([]error, len(r.stage.doors()))
	var mu sync.Mutex
	for range len(errs) {
		group.Go(func() {
			for user := range users {
				for door := range errs {
					err := r.list(ctx, door, fmt.Sprintf("u-%d", user))
					mu.Lock()
					errs[door] = errors.Join(errs[door], err)
					mu.Unlock()
				}
			}
		})
	}
	for user := range len(r.crowd.tokens) {
		users <- user + 1
	}
	close(users)
	group.Wait()
	return errors.Join(append(errs, r.lookAtSales(ctx))...)
}

// list reads all pages of a user's orders at a door.
func (r *drill) list(ctx context.Context, door int, user string) error {
	for cursor := ""; ; {
		path := "/v1/orders?limit=100"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		page, err := r.until(ctx, door, entry{Kind: list, User: user}, path)
		if err != nil || !page.answer.HasMore {
			return err
		}
		cursor = page.answer.Cursor
	}
}

// until asks until there is an answer.
func (r *drill) until(ctx context.Context, door int, e entry, path string) (*event, error) {
	for range tries {
		told := r.crowd.ask(ctx, door, e, http.MethodGet, path, "")
		if told.decided() {
			return told, nil
		}
		pause(ctx, 500*time.Millisecond)
	}
	return nil, fmt.Errorf("no answer from %s: %s", r.stage.doors()[door].name, path)
}

func (r *drill) lookAtSales(ctx context.Context) error {
	all, err := readRecordFlushed(r.record)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range all {
		if e.Kind == create && e.decided() {
			_, err := r.until(ctx, 0, entry{Kind: sale, Sale: e.Sale}, "/v1/tickets/"+e.Sale)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// readRecordFlushed reads what was written so far.
func readRecordFlushed(r *record) ([]event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.out.Flush(); err != nil {
		return nil, err
	}
	return readRecord(r.file.Name())
}

// answersMin is how many answers a second a run needs to say anything.
const answersMin = 5

// judge checks the record and the books in a folder, and what the run itself saw.
func judge(dir string, r *drill) error {
	events, err := readRecord(filepath.Join(dir, "record.jsonl"))
	if err != nil {
		return err
	}
	books, err := readBooks(filepath.Join(dir, "books.jsonl"))
	if err != nil {
		return err
	}
	f := check(events, books)
	if r != nil {
		r.judge(f)
	}
	fmt.Println(summary(events))
	for _, what := range sortedKeys(f.counts) {
		fmt.Printf("checked %-10s %d\n", what, f.counts[what])
	}
	violations := 0
	for _, promise := range sortedKeys(f.found) {
		violations += len(f.found[promise])
		for i, text := range f.found[promise] {
			if i == 20 {
				fmt.Printf("%s: and %d more\n", promise, len(f.found[promise])-i)
				break
			}
			fmt.Printf("%s: %s\n", promise, text)
		}
	}
	fmt.Printf("violations %d\n", violations)
	if violations > 0 {
		return fmt.Errorf("%d violations", violations)
	}
	return nil
}

// judge adds what the run saw: ends that nobody asked for, and whether it says anything.
func (r *drill) judge(f *findings) {
	s := r.stage
	var fell []string
	for _, x := range s.falls {
		fell = append(fell, fmt.Sprintf("%s (%d)", x.name, x.code))
		if !x.excused {
			f.add("ends", "%s ended by itself with exit code %d", x.name, x.code)
		}
	}
	fmt.Printf("faults %v; %d rounds, all doors sold %v after each at the latest; ended by themselves on full disks: %d %s\n",
		r.struck, r.rounds, r.worst.Round(time.Millisecond), len(fell), strings.Join(fell, ", "))
	for _, faults := range [][]fault{shortFaults, longFaults} {
		for _, x := range faults {
			if r.struck[x.name] == 0 && r.options.duration >= voidAfter {
				f.add("void", "no %s in %v", x.name, r.options.duration)
			}
		}
	}
	if rate := float64(r.record.told) / r.options.duration.Seconds(); rate < answersMin {
		f.add("void", "%.0f answers a second", rate)
	}
}

// voidAfter is from how long on every fault must have come.
const voidAfter = 5 * time.Minute

// summary counts requests by kind and by what became of them.
func summary(events []event) string {
	counts := map[string]int{}
	for i := range events {
		e := &events[i]
		a := &e.answer
		what := a.Code
		switch {
		case e.Status == 0:
			what = "no answer"
		case e.Again:
			what = "replayed"
		case e.Kind == buy && a.Reason != "":
			what = a.Reason
		case e.Kind == buy && what == "":
			what = a.State
		case e.Kind == pay && what == "":
			what = strings.TrimSuffix(a.Status+" "+a.Reason, " ")
		case what == "":
			what = "told"
		}
		counts[fmt.Sprintf("%-7s %s", e.Kind, what)]++
	}
	var lines []string
	for what, n := range counts {
		lines = append(lines, fmt.Sprintf("%-40s %d", what, n))
	}
	slices.Sort(lines)
	return fmt.Sprintf("%d requests\n%s", len(events), strings.Join(lines, "\n"))
}
