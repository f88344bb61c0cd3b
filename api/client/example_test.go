package client_test

import (
	"context"
	"errors"
	"fmt"

	"onsale/api/client"
	"onsale/api/contract"
)

// A seller puts two tickets on sale, and a buyer takes one. The key makes it safe to ask
// again when the answer was lost: it is the same order.
func Example() {
	ctx, office := context.Background(), open()
	sale, err := office.seller().CreateSale(ctx, contract.NewSale{ID: "arena", Item: "Arena, 1 May", Quantity: 2, Price: new(int64(4900)), Currency: "EUR"})
	check(err)
	fmt.Println(sale.ID, sale.Status)

	ann := office.buyer("ann")
	first, err := ann.Buy(ctx, client.Purchase{Quantity: 1, Key: "ann-1"})
	check(err)
	again, err := ann.Buy(ctx, client.Purchase{Quantity: 1, Key: "ann-1"})
	check(err)
	fmt.Println(first.Status, first.State, first.Order == again.Order)

	// Output:
	// arena open
	// pending reserved true
}

// That a sale has no more tickets is a decision, not an error: it has a place in the one
// order of all.
func ExampleClient_Buy() {
	ctx, office := context.Background(), open()
	_, err := office.seller().CreateSale(ctx, contract.NewSale{ID: "arena", Item: "Arena, 1 May", Quantity: 1, Price: new(int64(4900)), Currency: "EUR"})
	check(err)

	for _, user := range []string{"ann", "bob"} {
		decision, err := office.buyer(user).Buy(ctx, client.Purchase{Quantity: 1, Sale: "arena", Key: user})
		check(err)
		fmt.Println(user, decision.Status, decision.State+decision.Reason)
	}

	// Output:
	// ann pending reserved
	// bob fail sold_out
}

// What the server answers with a problem is found by errors.Is, and its text by errors.As.
func ExampleClient_Order() {
	_, err := open().buyer("ann").Order(context.Background(), "0000000000000000")
	var problem *contract.Problem
	if errors.As(err, &problem) && errors.Is(err, contract.ErrUnknownOrder) {
		fmt.Println(problem.Status, problem.Code)
	}

	// Output:
	// 404 unknown-order
}
