package payment

// Difference is one place where books and orders do not agree.
type Difference struct {
	Kind     string `json:"kind"`
	Key      string `json:"payment"`
	Order    string `json:"order,omitempty"` // uid
	Amount   int64  `json:"amount"`          // minor units
	Currency string `json:"currency"`
	Detail   string `json:"detail"`
}

// Reconciliation is what comparing all books with all orders gave.
type Reconciliation struct {
	Provider string `json:"provider"`
	// Account is whose books these are, and Accepted the one under which charges are made now.
	Account   string `json:"account"`
	Accepted  string `json:"accepted_account"`
	Charges   int    `json:"charges"`   // in the provider's books
	Orders    int    `json:"orders"`    // that somebody began to pay
	Unsettled int    `json:"unsettled"` // of these, not compared: their settling goes on
	// OtherAccount attempts were charged under other accounts, whose books are not read here.
	OtherAccount int `json:"other_account_attempts"`
	// ForeignOrders are not compared, nor among Orders: this cluster is a copy, and they were
	// made before. OtherCharges in the books are of none of this cluster's births: another
	// cluster's, or another system's.
	ForeignOrders int `json:"foreign_orders"`
	OtherCharges  int `json:"other_charges"`
	// LostCharges are of orders that were lost when the cluster was born again, and hold no
	// money any more: no differences.
	LostCharges int          `json:"lost_charges"`
	Money       []Takings    `json:"money"` // by currency, of which some was taken
	Differences []Difference `json:"differences"`
	More        bool         `json:"more_differences"` // the list was cut
	look        []uint64     // orders whose money did not stay where it went
	disputed    []uint64     // orders whose dispute stands otherwise than is known
}

// Takings are what the provider took in one currency, in its minor units.
type Takings struct {
	Currency string `json:"currency"`
	Captured int64  `json:"captured_amount"`
	Refunded int64  `json:"refunded_amount"` // of that
	// Orders is what the paid orders cost that are settled, and Unsettled what is held for
	// others: together they are what was captured and not refunded, if nothing differs.
	Orders    int64 `json:"orders_amount"`
	Unsettled int64 `json:"unsettled_amount"`
	// Disputed is what of it the buyers' banks took back, or may.
	Disputed int64 `json:"disputed_amount"`
}

// DifferencesMax bounds the differences that are told.
const DifferencesMax = 1000
