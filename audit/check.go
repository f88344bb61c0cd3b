package audit

// check is one thing that an audit holds a journal to. Each is reported in one place,
// and in the tests each has a journal that breaks it.
type check uint8

// The checks of the chain and its bytes.
const (
	checkDamage check = iota
	checkContains
	checkReadable
	checkEncoding

	// The checks of time and sequence, which need no books.
	checkTime
	checkFirstSeq
	checkBirth
	checkLevel
	checkOutage
	checkSeq
	checkReplayedSeq
	checkNotTaken
	checkBatchOnce
	checkEventPlace

	// The ledger's checks of a new order.
	checkBuySale
	checkBuyName
	checkOrderName
	checkNewState
	checkBehindWaiting
	checkRefusedBefore
	checkHold
	checkQuantity
	checkWaitlistFull
	checkPosition
	checkNeedlessWait
	checkRefusedTickets
	checkRefusedPlace
	checkLeft
	checkCap
	checkKey

	// The ledger's checks of an order's later life.
	checkStepOrder
	checkStepUser
	checkStepForeign
	checkAttempts
	checkCalled
	checkStep
	checkOverheld
	checkPaidCancelled
	checkPaymentEnd
	checkPaidInTime
	checkNotBack
	checkFreeMoney
	checkBounced
	checkAcknowledged
	checkPart
	checkMoney
	checkDisputed
	checkAccount
	checkByHand
	checkTicketTwice
	checkTicketGap
	checkTicketRevoked
	checkTicketsNamed
	checkShownOrder
	checkShown
	checkShownDeadline
	checkShownTicket

	// The ledger's checks of events, and of what they must not leave undone.
	checkEventOrder
	checkEventKind
	checkExpiredEarly
	checkExpiredLate
	checkNeverExpired
	checkOverdue
	checkCancelledWithSale
	checkRefundedWithSale
	checkPromotedState
	checkPromotedHold
	checkPassedOver
	checkIdle
	checkCount

	// The ledger's checks of a seller's commands.
	checkSellerSale
	checkSaleCreated
	checkTermsKept

	// The checks against the second decision.
	checkRedecidedTime
	checkDecision
	checkEventMissing
	checkEventExtra
	checkEventOther
	checkDecidable
	checkStateHash
	checkTotals

	checkEnd
)

// checks are the kind of each check's finding, and its message.
var checks = [checkEnd]struct {
	kind    Kind
	message string
}{
	checkDamage:   {KindChain, "%v; this block and those behind it are not checked"},
	checkContains: {KindChain, "the block with the expected hash is not in the chain"},
	checkReadable: {KindEncoding, "%v; decisions from here on are not checked"},
	checkEncoding: {KindEncoding, "the decisions are written otherwise than a node writes them"},

	checkTime:        {KindTime, "the log's time runs back, or is not the batch's (%s)"},
	checkFirstSeq:    {KindSequence, "the block's first seq does not go on where the last one ended"},
	checkBirth:       {KindSequence, "the birth goes on at a number that another history of the cluster may have given out"},
	checkLevel:       {KindSequence, "the level of the formats was raised by other than one step"},
	checkOutage:      {KindTime, "an outage was taken that does not begin where the log is"},
	checkSeq:         {KindSequence, "the decision carries another seq than its place"},
	checkReplayedSeq: {KindSequence, "a decision told again that was not made before"},
	checkNotTaken:    {KindSequence, "a command was executed although its batch was not, or the other way about"},
	checkBatchOnce:   {KindSequence, "batch %d of session %d was executed twice, late, or for nobody"},
	checkEventPlace:  {KindEvent, "an event stands before a command that does not exist, or out of order"},

	checkBuySale:        {KindOrder, "an order of a sale that was not created"},
	checkBuyName:        {KindCap, "an order of somebody who is not known under the sale's key (%q)"},
	checkOrderName:      {KindSequence, "a new order is not named by the seq of its buy"},
	checkNewState:       {KindOrder, "a new order begins in the middle of its life"},
	checkBehindWaiting:  {KindFIFO, "a buy got tickets while order %d was waiting since before"},
	checkRefusedBefore:  {KindFIFO, "an earlier buy for %d tickets was refused for want of them, and no ticket has come free since"},
	checkHold:           {KindExpiry, "the hold does not end one hold from now"},
	checkQuantity:       {KindOrder, "the order got another number of tickets than it asked for"},
	checkWaitlistFull:   {KindFIFO, "the waitlist of %d is full"},
	checkPosition:       {KindFIFO, "the position is not behind those who wait"},
	checkNeedlessWait:   {KindFIFO, "a buy must wait although nobody waits and %d tickets are available"},
	checkRefusedTickets: {KindFIFO, "a buy for %d tickets was refused for want of them with %d available and nobody waiting"},
	checkRefusedPlace:   {KindFIFO, "a buy was refused for want of tickets with %d of %d places on the waitlist taken"},
	checkLeft:           {KindOrder, "a buy was refused for want of tickets and told otherwise what is left"},
	checkCap:            {KindCap, "user %q has more tickets of sale %d than one user may"},
	checkKey:            {KindKey, "one idempotency key made two orders"},

	checkStepOrder:     {KindOrder, "the decision is about an order that no command made, or another one"},
	checkStepUser:      {KindOrder, "somebody else acted on the order"},
	checkStepForeign:   {KindOrder, "an order of the cluster that this one is a copy of was paid here"},
	checkAttempts:      {KindOrder, "an attempt to pay began beyond the bounds (the order: %s; the user's declines of the hour: %d)"},
	checkCalled:        {KindOrder, "an attempt was called out of the line that did not stand in it, or for too long, or for a cancelled sale"},
	checkStep:          {KindOrder, "the order becomes %s, which it cannot from its state"},
	checkOverheld:      {KindExpiry, "the hold was over, and the order went on"},
	checkPaidCancelled: {KindOrder, "a payment for a cancelled sale was taken"},
	checkPaymentEnd:    {KindExpiry, "the payment was %s, the hold ends %s, it is %s"},
	checkPaidInTime:    {KindOrder, "a payment in time was treated as late"},
	checkNotBack:       {KindOrder, "money that was captured counts as back, and was not refunded"},
	checkFreeMoney:     {KindOrder, "the order costs nothing, and money of it was taken or goes back"},
	checkBounced:       {KindOrder, "a refund that failed was counted twice, or out of turn, or after its return had failed"},
	checkAcknowledged:  {KindOrder, "a seller took note of a failed refund of attempt %d, and it had not failed"},
	checkPart:          {KindOrder, "more was given back than the order has"},
	checkMoney:         {KindOrder, "what was captured is not what went back (%d) and what the tickets cost or must go back (%d)"},
	checkDisputed:      {KindOrder, "a dispute of money that was not accepted, or one that was told as it stood"},
	checkAccount:       {KindOrder, "an attempt was charged under another account than the accepted one"},
	checkByHand:        {KindOrder, "an operator settled %d of attempt %d: the provider can be asked about it, it is settled otherwise, or that is another amount"},
	checkTicketTwice:   {KindTicket, "a ticket's number of sale %d was given twice, or is none"},
	checkTicketGap:     {KindTicket, "the numbers of sale %d's tickets have a gap"},
	checkTicketRevoked: {KindTicket, "a refund revoked a ticket that the order does not have, or not any more"},
	checkTicketsNamed:  {KindTicket, "a refund revoked more or fewer tickets than it gave back"},
	checkShownOrder:    {KindOrder, "the decision shows an order that no command made"},
	checkShown:         {KindOrder, "the decision shows the order otherwise than its life was"},
	checkShownDeadline: {KindExpiry, "the decision shows another end of the hold"},
	checkShownTicket:   {KindTicket, "the decision shows other tickets than the order was given"},

	checkEventOrder:        {KindOrder, "the event %s is about an order that is not there"},
	checkEventKind:         {KindEvent, "an event of an unknown kind"},
	checkExpiredEarly:      {KindExpiry, "the hold ended before its time"},
	checkExpiredLate:       {KindExpiry, "the hold of %s ended late: an earlier batch had its time"},
	checkNeverExpired:      {KindExpiry, "%d holds are over at the journal's end and did not expire; this is the first"},
	checkOverdue:           {KindExpiry, "a payment is called overdue and is not"},
	checkCancelledWithSale: {KindOrder, "the order was cancelled with its sale"},
	checkRefundedWithSale:  {KindOrder, "the order was refunded with its sale"},
	checkPromotedState:     {KindOrder, "an order was promoted that did not wait"},
	checkPromotedHold:      {KindExpiry, "the hold of a promoted order does not end one hold from now"},
	checkPassedOver:        {KindFIFO, "an order was promoted past one that waits longer and asked for %d"},
	checkIdle:              {KindFIFO, "%d tickets of sale %d are available, and the order that waits longest would take %d"},
	checkCount:             {KindCount, "sale %d has given away more tickets than it has"},

	checkSellerSale:  {KindOrder, "a seller's command on a sale that was not created"},
	checkSaleCreated: {KindOrder, "a sale was created out of order, or of a bad spec"},
	checkTermsKept:   {KindOrder, "the terms of sale %d were changed after its start, or by a bad spec (%v)"},

	checkRedecidedTime: {KindDecision, "the batch was decided at another time"},
	checkDecision:      {KindDecision, "the rules decide otherwise"},
	checkEventMissing:  {KindEvent, "an event is missing"},
	checkEventExtra:    {KindEvent, "an event is too much"},
	checkEventOther:    {KindEvent, "the rules make another event"},
	checkDecidable:     {KindStateHash, "the state could not decide the batch: %v"},
	checkStateHash:     {KindStateHash, "the state after the block is another one; later hashes are not compared"},
	checkTotals:        {KindCount, "sale %d ends with other totals than the rules give"},
}
