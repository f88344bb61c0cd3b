package api

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"onsale/api/apitest"
	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/internal/ticket"
	"onsale/payment"
	"onsale/sequencer"
)

// contractTypes are the contract's JSON objects: answers by false, requests by true.
var contractTypes = map[reflect.Type]apitest.Direction{
	reflect.TypeFor[contract.AccountToAccept](): apitest.Request, reflect.TypeFor[contract.Account](): apitest.Answer,
	reflect.TypeFor[contract.Settlement](): apitest.Request, reflect.TypeFor[contract.Seen](): apitest.Request,
	reflect.TypeFor[contract.Problem](): apitest.Answer, reflect.TypeFor[contract.Decision](): apitest.Answer,
	reflect.TypeFor[contract.DoorDecision](): apitest.Answer, reflect.TypeFor[contract.Order](): apitest.Answer,
	reflect.TypeFor[contract.OrderDetail](): apitest.Answer, reflect.TypeFor[contract.OrderPayment](): apitest.Answer,
	reflect.TypeFor[contract.OrderHistory](): apitest.Answer, reflect.TypeFor[contract.OrderEvent](): apitest.Answer,
	reflect.TypeFor[contract.Webhook](): apitest.Answer, reflect.TypeFor[contract.WebhookStop](): apitest.Answer, reflect.TypeFor[contract.WebhookList](): apitest.Answer,
	reflect.TypeFor[contract.WebhookTest](): apitest.Answer, reflect.TypeFor[contract.WebhookLetter](): apitest.Answer, reflect.TypeFor[contract.WebhookLetters](): apitest.Answer,
	reflect.TypeFor[contract.WebhookRetried](): apitest.Answer, reflect.TypeFor[contract.WebhookStep](): apitest.Request,
	reflect.TypeFor[contract.WebhookReplay](): apitest.Request, reflect.TypeFor[contract.WebhookRetry](): apitest.Request,
	reflect.TypeFor[contract.FeedPage](): apitest.Answer, reflect.TypeFor[contract.FeedEvent](): apitest.Answer, reflect.TypeFor[contract.FeedData](): apitest.Answer,
	reflect.TypeFor[contract.OrderPage](): apitest.Answer, reflect.TypeFor[contract.OrderPart](): apitest.Answer, reflect.TypeFor[contract.OrderTicket](): apitest.Answer,
	reflect.TypeFor[ticket.Keys](): apitest.Answer, reflect.TypeFor[ticket.ClusterKeys](): apitest.Answer, reflect.TypeFor[ticket.PublicBirth](): apitest.Answer,
	reflect.TypeFor[ticket.Revoked](): apitest.Answer, reflect.TypeFor[contract.SaleTicket](): apitest.Answer, reflect.TypeFor[contract.SaleTicketPage](): apitest.Answer,
	reflect.TypeFor[contract.Sale]():     apitest.Answer,
	reflect.TypeFor[contract.SalePage](): apitest.Answer, reflect.TypeFor[contract.SaleDetail](): apitest.Answer,
	reflect.TypeFor[contract.SaleList](): apitest.Answer, reflect.TypeFor[contract.Report](): apitest.Answer,
	reflect.TypeFor[contract.ReportRequests](): apitest.Answer, reflect.TypeFor[contract.ReportTickets](): apitest.Answer,
	reflect.TypeFor[contract.ReportMoney](): apitest.Answer, reflect.TypeFor[contract.ReportOrders](): apitest.Answer,
	reflect.TypeFor[contract.ReportWaitlist](): apitest.Answer, reflect.TypeFor[contract.ReportLatency](): apitest.Answer,
	reflect.TypeFor[contract.LatencyBucket](): apitest.Answer, reflect.TypeFor[contract.SaleTimeline](): apitest.Answer,
	reflect.TypeFor[contract.Timeline](): apitest.Answer, reflect.TypeFor[contract.TimelineRow](): apitest.Answer, reflect.TypeFor[contract.BusySecond](): apitest.Answer,
	reflect.TypeFor[contract.PastChange](): apitest.Answer, reflect.TypeFor[contract.Mismatch](): apitest.Answer, reflect.TypeFor[contract.Payment](): apitest.Answer, reflect.TypeFor[contract.NextAction](): apitest.Answer,
	reflect.TypeFor[payment.Reconciliation](): apitest.Answer, reflect.TypeFor[payment.Takings](): apitest.Answer,
	reflect.TypeFor[payment.Orphans](): apitest.Answer, reflect.TypeFor[payment.Orphan](): apitest.Answer,
	reflect.TypeFor[payment.OrphanRefund](): apitest.Answer, reflect.TypeFor[contract.OrphanToRefund](): apitest.Request,
	reflect.TypeFor[contract.Acknowledgement](): apitest.Request, reflect.TypeFor[contract.Dispute](): apitest.Answer,
	reflect.TypeFor[payment.Disputes](): apitest.Answer, reflect.TypeFor[payment.DisputeView](): apitest.Answer,
	reflect.TypeFor[payment.Difference](): apitest.Answer, reflect.TypeFor[contract.PaymentRequest](): apitest.Request,
	reflect.TypeFor[contract.NewSale](): apitest.Request, reflect.TypeFor[contract.SaleChange](): apitest.Request,
	reflect.TypeFor[contract.Release](): apitest.Request, reflect.TypeFor[contract.Extension](): apitest.Request, reflect.TypeFor[contract.Challenge](): apitest.Answer,
}

// TestOpenAPIHasTheContractsFields: every JSON object of the contract has a schema of
// its name, with the same fields of the same types, and none is forgotten here.
func TestOpenAPIHasTheContractsFields(t *testing.T) {
	var compared []string
	for kind, direction := range contractTypes {
		compared = append(compared, kind.Name())
		for _, err := range theDescription(t).CompareFields(kind.Name(), kind, direction) {
			t.Error(err)
		}
	}
	for _, name := range jsonObjects(t, "contract") {
		if !slices.Contains(compared, name) {
			t.Errorf("contract.%s is not in contractTypes", name)
		}
	}
}

// jsonObjects returns the exported structs of a package that have JSON names.
func jsonObjects(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	must(t, err)
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		must(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() {
				return true
			}
			if object, ok := spec.Type.(*ast.StructType); ok && slices.ContainsFunc(object.Fields.List, hasJSONName) {
				names = append(names, spec.Name.Name)
			}
			return true
		})
	}
	if len(names) == 0 {
		t.Fatal("no JSON objects in " + folder)
	}
	return names
}

func hasJSONName(f *ast.Field) bool { return f.Tag != nil && strings.Contains(f.Tag.Value, `json:"`) }

// TestOpenAPIHasTheProblemCodes: the codes are the table's, in its order, and each
// answer names codes of its own status only.
func TestOpenAPIHasTheProblemCodes(t *testing.T) {
	status := map[string]int{}
	var table []string
	for kind := range contract.KindCount {
		table = append(table, kind.Entry().Code)
		status[kind.Entry().Code] = kind.Entry().Status
	}
	if codes := enum(t, "ProblemCode"); !slices.Equal(codes, table) {
		t.Errorf("ProblemCode is %v, the table has %v", codes, table)
	}
	for _, o := range theDescription(t).Operations() {
		for code, response := range o.Responses.Map() {
			content := response.Value.Content[contract.ProblemMediaType]
			if content == nil || content.Schema.Ref != "" {
				continue // any problem
			}
			for _, name := range content.Schema.Value.Properties["code"].Value.Enum {
				if strconv.Itoa(status[name.(string)]) != code {
					t.Errorf("%s %s: %s of %s has status %d", o.Method, o.Path, name, code, status[name.(string)])
				}
			}
		}
	}
}

func enum(t *testing.T, schema string) []string {
	t.Helper()
	values, err := theDescription(t).Enum(schema)
	must(t, err)
	return values
}

// TestOpenAPIHasTheWords: states, statuses and reasons are the sequencer's.
func TestOpenAPIHasTheWords(t *testing.T) {
	var states, statuses, sales []string
	for state := sequencer.StateWaitlisted; state <= sequencer.StateRefunded; state++ {
		states = append(states, state.String())
		if !slices.Contains(statuses, state.Status()) {
			statuses = append(statuses, state.Status())
		}
	}
	for status := sequencer.SaleScheduled; status <= sequencer.SaleCancelled; status++ {
		sales = append(sales, status.String())
	}
	var reasons []string
	for reason := sequencer.ReasonDeclined; reason <= sequencer.PayReasonMax; reason++ {
		reasons = append(reasons, reason.String())
	}
	for schema, want := range map[string][]string{"OrderState": states, "OrderStatus": statuses, "SaleStatus": sales, "PayReason": reasons} {
		if got := enum(t, schema); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", schema, got, want)
		}
	}
	for _, reason := range enum(t, "RefusalReason") {
		code := sequencer.Code(0)
		for code < sequencer.CodeCount && code.String() != reason {
			code++
		}
		if _, problem := contract.KindOfDecision(code); problem || code == sequencer.CodeCount || code == sequencer.CodeOK {
			t.Errorf("%s is no reason to refuse a buy", reason)
		}
	}
}

// TestOpenAPIHasTheBounds: the bounds of fields and parameters are the program's.
func TestOpenAPIHasTheBounds(t *testing.T) {
	d := theDescription(t)
	for at, want := range map[string]float64{
		"NewSale.quantity": sequencer.TicketsMax, "NewSale.cap": sequencer.CapMax, "NewSale.waitlist": sequencer.WaitlistMax, "NewSale.price": sequencer.PriceMax,
		"SaleChange.quantity": sequencer.TicketsMax, "SaleChange.cap": sequencer.CapMax, "SaleChange.waitlist": sequencer.WaitlistMax,
		"SaleChange.price": sequencer.PriceMax, "Sale.cap": sequencer.CapMax, "SaleDetail.cap": sequencer.CapMax, "Order.as_of_seq": sequencer.SeqMax,
	} {
		name, property, _ := strings.Cut(at, ".")
		schema, err := d.Schema(name)
		must(t, err)
		if most := schema.Properties[property].Value.Max; most == nil || *most != want {
			t.Errorf("%s: maximum %v, want %v", at, most, want)
		}
	}
	newSale, err := d.Schema("NewSale")
	must(t, err)
	if preset := newSale.Properties["cap"].Value.Default; fmt.Sprint(preset) != strconv.Itoa(contract.DefaultCap) {
		t.Errorf("the default of cap is %v", preset)
	}
	for _, o := range d.Operations() {
		most, usual := strict.LimitMax, strict.LimitDefault
		if o.Path == "/v1/feed" {
			most, usual = contract.FeedEventsMax, contract.FeedEventsDefault
		}
		if limit := o.Parameters.GetByInAndName("query", "limit"); limit != nil && (*limit.Schema.Value.Max != float64(most) || fmt.Sprint(limit.Schema.Value.Default) != strconv.Itoa(usual)) {
			t.Errorf("%s: limit is %+v", o.Path, limit.Schema.Value)
		}
	}
}
