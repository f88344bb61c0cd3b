package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"html/template"
	"net/http"
	"strings"

	"onsale/payment"
	"onsale/sequencer"
)

// pagesPath is where a buyer authenticates; the client secret of the charge follows.
const pagesPath = "/3ds/"

// secretMark parts a charge's key from what only the provider can make, in a client secret.
const secretMark = "_secret_"

// clientSecret lets whoever has it authenticate as the buyer of a charge. It follows from the
// key, so that it is kept nowhere.
func (b *Books) clientSecret(key string) string {
	var secret []byte
	if len(b.config.Secrets) > 0 {
		secret = b.config.Secrets[0]
	}
	sum := hmac.New(sha256.New, secret)
	sum.Write([]byte("authenticates " + key))
	return key + secretMark + hex.EncodeToString(sum.Sum(nil))
}

// shown returns how a charge stands, with what its buyer must do.
func (b *Books) shown(e *payment.Entry) payment.Status {
	status := e.Status
	status.Method = e.Method
	if e.Phase == payment.RequiresAction {
		secret := b.clientSecret(e.Key)
		status.NextAction = &payment.NextAction{Type: payment.ActionRedirect, ClientSecret: secret, RedirectURL: b.config.PagesURL + pagesPath + secret}
	}
	return status
}

// Authenticate is what the buyer of a charge does who was sent to authenticate: completes it, or
// refuses. A charge that waits for nobody stays as it is. It returns the charge; false for
// another secret.
func (b *Books) Authenticate(secret string, completes bool) (payment.Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bySecret(secret)
	if e == nil {
		return payment.Entry{}, false
	}
	if e.Phase != payment.RequiresAction {
		return *e, true
	}
	done := *e
	does := behaviour{}
	if !completes {
		does.reason = sequencer.ReasonAuthenticationRequired
	}
	decide(&done, does)
	if _, err := b.keep(done); err != nil {
		b.config.Logger.Error("a charge could not be entered", "payment", e.Key, "error", err)
		return *e, true
	}
	b.notify(e.Key, 1)
	return done, true
}

// bySecret returns the charge of a client secret, nil for none. The caller holds the lock.
func (b *Books) bySecret(secret string) *payment.Entry {
	key, _, _ := strings.Cut(secret, secretMark)
	if e := b.byKey[key]; e != nil && subtle.ConstantTimeCompare([]byte(secret), []byte(b.clientSecret(key))) == 1 {
		return e
	}
	return nil
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sandbox bank</title>
<h1>Is it you?</h1>
<p>Order {{.Order}}, {{.Amount}} {{.Currency}} in minor units: {{.Phase}}{{if .Reason}} ({{.Reason}}){{end}}.</p>
{{if eq .Phase "requires_action"}}<form method="post">
<button name="answer" value="complete">Yes: pay</button>
<button name="answer" value="refuse">No: refuse</button>
</form>{{else}}<p>You may go back to the shop.</p>{{end}}
</html>
`))

// NewPages serves the page on which buyers authenticate, to who has a charge's client secret:
// GET shows it, and POST with answer=complete or answer=refuse does it.
func NewPages(b *Books) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pagesPath+"{secret}", func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		e := b.bySecret(r.PathValue("secret"))
		var shown payment.Entry
		if e != nil {
			shown = *e
		}
		b.mu.Unlock()
		showPage(w, shown, e != nil)
	})
	mux.HandleFunc("POST "+pagesPath+"{secret}", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, bodyBytesMax)
		answer := r.PostFormValue("answer")
		if answer != "complete" && answer != "refuse" {
			http.Error(w, "answer must be complete or refuse", http.StatusBadRequest)
			return
		}
		e, known := b.Authenticate(r.PathValue("secret"), answer == "complete")
		showPage(w, e, known)
	})
	return mux
}

func showPage(w http.ResponseWriter, e payment.Entry, known bool) {
	if !known {
		http.Error(w, "there is no such payment", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_ = pageTemplate.Execute(w, e) // a caller who left cannot be told
}
