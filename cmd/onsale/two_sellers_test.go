package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/proof/testenv"
)

// market is a cluster with a front-end and two sellers, each with a token for sales of the own name.
type market struct {
	t      testing.TB
	nodes  []*testNode
	front  *testNode
	tokens map[string]string // by seller
}

// openMarket starts it; every process has an audit log.
func openMarket(t testing.TB, sellers ...string) *market {
	m := &market{t: t, nodes: newNodes(t, 3), tokens: map[string]string{}}
	m.front = newFrontEnds(t, 1, m.nodes)[0]
	for _, p := range append(slices.Clone(m.nodes), m.front) {
		p.extra = append(p.extra, "--audit-log", m.audit(p), "--user-requests-per-second", "0")
		p.start()
	}
	secret, err := os.ReadFile(m.front.secretFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, seller := range sellers {
		if m.tokens[seller], err = issue(bytes.TrimSpace(secret), seller, auth.RoleSeller, time.Hour, seller+"*"); err != nil {
			t.Fatal(err)
		}
	}
	testenv.Eventually(t, time.Minute, "the front-end is ready", m.front.ready)
	return m
}

func (m *market) audit(p *testNode) string {
	return filepath.Join(filepath.Dir(m.front.secretFile), p.id+".audit")
}

// sell runs a command as a seller at a node.
func (m *market) sell(code int, at *testNode, seller string, args ...string) string {
	m.t.Helper()
	return command(m.t, code, append(args, "--private", at.private, "--token", m.tokens[seller])...)
}

// buy buys a ticket of a sale through the front-end, and says which order that is.
func (m *market) buy(user, sale string) string {
	m.t.Helper()
	var order string
	testenv.Eventually(m.t, time.Minute, user+" buys", func() bool {
		d, err := m.front.buyer(user).Buy(context.Background(), client.Purchase{Sale: sale, Quantity: 1, Key: sale})
		if err != nil && !isBetweenLeaders(err) {
			m.t.Fatal(err)
		}
		order = d.Order
		return err == nil
	})
	return order
}

// keepsApart tries all that one seller can of another's sale and order, at a node.
func (m *market) keepsApart(at *testNode, seller, other, order string) {
	m.t.Helper()
	for _, c := range []struct {
		says string
		args []string
	}{
		{"unknown-sale", []string{"sale", "show", other}}, {"unknown-sale", []string{"sale", "report", other}},
		{"unknown-sale", []string{"sale", "history", other}}, {"unknown-sale", []string{"sale", "pause", other}},
		{"unknown-sale", []string{"sale", "quantity", other, "12"}}, {"unknown-sale", []string{"sale", "cancel", other, "--yes"}},
		{"unknown-sale", []string{"order", "find", "--sale", other}}, {"unknown-sale", []string{"order", "export", "--sale", other}},
		{"unknown-order", []string{"order", "show", order}}, {"unknown-order", []string{"order", "show", order, "--history"}},
		{"unknown-order", []string{"order", "cancel", order, "--seller"}}, {"unknown-order", []string{"order", "refund", order}},
		{"forbidden", []string{"sale", "create", other + "-2", "--quantity", "1", "--price", "100"}}, {"forbidden", []string{"payments", "reconcile"}},
	} {
		if text := m.sell(1, at, seller, c.args...); !strings.Contains(text, c.says) {
			m.t.Errorf("%s at %s, %v: %s", seller, at.id, c.args, text)
		}
	}
	if text := m.sell(0, at, seller, "sale", "list", "-o", "csv"); strings.Contains(text, other) || !strings.Contains(text, seller) {
		m.t.Errorf("%s at %s sees %s", seller, at.id, text)
	}
	if line := hasLine(m.t, m.audit(at), "DELETE /v1/orders/{uid}", order, "unknown-order"); line.Actor != seller {
		m.t.Errorf("%+v", line)
	}
}

// says holds what a node tells of a sale and an order to who did what.
func (m *market) says(at *testNode, seller, order string, changes ...string) {
	m.t.Helper()
	if sale := into[contract.SaleDetail](m.t, m.sell(0, at, seller, "sale", "show", seller, "-o", "json")); sale.ChangedBy != seller {
		m.t.Errorf("%s: changed by %+v", at.id, sale.ChangedBy)
	}
	history := m.sell(0, at, seller, "sale", "history", seller, "-o", "csv")
	for _, change := range changes {
		if !strings.Contains(history, change+","+seller+",") {
			m.t.Errorf("%s: no %s by %s in\n%s", at.id, change, seller, history)
		}
	}
	var last contract.OrderEvent
	testenv.Eventually(m.t, time.Minute, at.id+" has indexed the order", func() bool { // made again after a start
		code, text := attempt("order", "show", order, "--history", "-o", "json", "--private", at.private, "--token", m.tokens[seller])
		if code != 0 {
			return false
		}
		events := into[[]contract.OrderEvent](m.t, text)
		last = events[len(events)-1]
		return last.Event == "withdraw"
	})
	if last.Actor != seller || last.State != "cancelled" {
		m.t.Errorf("%s: %+v", at.id, last)
	}
}

// Of two sellers neither sees or changes the other's, wherever they ask, and every change has its
// actor: of orders that were bought through a front-end too, and after the leader was killed.
func TestTwoSellers(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes, and a fail-over")
	t.Parallel()
	m := openMarket(t, "anna", "gina")
	leader := leaderAmong(t, m.nodes)
	follower := m.nodes[(slices.Index(m.nodes, leader)+1)%3]
	orders := map[string][]string{}
	for seller, at := range map[string]*testNode{"anna": follower, "gina": leader} {
		m.sell(0, at, seller, "sale", "create", seller, "--quantity", "9", "--price", "100")
		for n := range 2 {
			orders[seller] = append(orders[seller], m.buy(fmt.Sprint("buyer ", n), seller))
		}
	}
	for _, at := range []*testNode{follower, leader} {
		m.keepsApart(at, "anna", "gina", orders["gina"][0])
		m.keepsApart(at, "gina", "anna", orders["anna"][0])
	}
	m.sell(0, follower, "anna", "sale", "pause", "anna")
	m.sell(0, leader, "gina", "sale", "pause", "gina")
	for seller, at := range map[string]*testNode{"anna": leader, "gina": follower} {
		has(t, m.sell(0, at, seller, "order", "cancel", orders[seller][0], "--seller"), "cancelled")
		m.says(at, seller, orders[seller][0], "sale_create", "sale_pause")
	}
	if o, err := m.front.buyer("buyer 0").Order(context.Background(), orders["anna"][0]); err != nil || o.State != "cancelled" {
		t.Errorf("through the front-end: %+v, %v", o, err)
	}
	request, err := http.NewRequest(http.MethodDelete, "http://"+m.front.private+"/v1/orders/"+orders["anna"][1], nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+m.tokens["anna"])
	if answer, err := http.DefaultClient.Do(request); err != nil || answer.StatusCode != http.StatusNotFound { // it sells for nobody
		t.Errorf("the front-end's private listener: %v, %v", answer, err)
	} else {
		_ = answer.Body.Close()
	}

	leader.kill()
	left := slices.DeleteFunc(slices.Clone(m.nodes), func(n *testNode) bool { return n == leader })
	next := leaderAmong(t, left)
	other := left[1-slices.Index(left, next)]
	for seller, at := range map[string]*testNode{"anna": next, "gina": other} {
		orders[seller] = append(orders[seller], m.buy("late buyer of "+seller+"'s", seller))
		testenv.Eventually(t, time.Minute, seller+" goes on at "+at.id, func() bool {
			code, _ := attempt("sale", "resume", seller, "--private", at.private, "--token", m.tokens[seller])
			return code == 0
		})
		has(t, m.sell(0, at, seller, "order", "cancel", orders[seller][1], "--seller"), "cancelled")
	}
	for _, at := range left {
		m.keepsApart(at, "anna", "gina", orders["gina"][1])
		m.keepsApart(at, "gina", "anna", orders["anna"][1])
	}
	leader.start()
	testenv.Eventually(t, time.Minute, leader.id+" is back", leader.ready)
	for _, at := range m.nodes {
		for _, seller := range []string{"anna", "gina"} {
			m.says(at, seller, orders[seller][0], "sale_create", "sale_pause", "sale_resume")
			m.says(at, seller, orders[seller][1])
		}
	}
}
