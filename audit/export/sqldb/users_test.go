package sqldb_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"onsale/audit/export"
	"onsale/audit/export/sqldb"
	"onsale/audit/follow"
	"onsale/internal/pseudonym"
)

func keysOf(t *testing.T, letters ...string) *pseudonym.Keys {
	t.Helper()
	lines := make([]string, len(letters))
	for i, letter := range letters {
		lines[i] = strings.Repeat(letter, 32)
	}
	keys, err := pseudonym.Parse([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func usersOf(t *testing.T, text string, keys *pseudonym.Keys) export.Users {
	t.Helper()
	users, err := export.ParseUsers(text, keys)
	if err != nil {
		t.Fatal(err)
	}
	return users
}

// Rows have pseudonyms of the key that was the newest at their first export, also when there is a newer
// one by now, and what they say of buyers is not changed.
func TestPseudonyms(t *testing.T) {
	w := newWorld(t, 51, "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	w.keys = keysOf(t, "a")
	for _, letters := range [][]string{{"a"}, {"b", "a"}} {
		w.keys = keysOf(t, letters...)
		w.users = usersOf(t, "pseudonym", w.keys)
		w.grow(40)
		w.export()
		w.exact()
	}
	to := w.open()
	defer w.close(to)
	first, orders := keysOf(t, "a"), 0
	w.read(to, export.Orders, func(row map[string]any) {
		orders++
		v, _ := w.teller.State.Order(uint64(row["seq"].(int64)))
		if want := string(first.Of(first.Newest(), []byte(v.User))); row["user_ref"] != want {
			t.Errorf("%s is %v, want %s", v.User, row["user_ref"], want)
		}
	})
	if orders == 0 {
		t.Error("there are no orders")
	}
	for _, users := range []export.Users{export.UsersNone, export.UsersClear, usersOf(t, "pseudonym", keysOf(t, "b"))} {
		err := sqldb.Run(t.Context(), follow.NewFolder(w.dir), to, sqldb.Options{Users: users, Once: true})
		if !errors.Is(err, export.ErrUsers) || !strings.Contains(err.Error(), "say pseudonym "+first.Newest().String()) {
			t.Errorf("%s: %v", users, err)
		}
	}
	if _, err := sqldb.Verify(t.Context(), follow.NewFolder(w.dir), to, keysOf(t, "b")); !errors.Is(err, export.ErrUsers) {
		t.Errorf("verified without the key: %v", err)
	}
}
