package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"onsale/api/auth"
	"onsale/internal/watched"
)

// revocation is what is asked of `onsale token revoke`.
type revocation struct{ user, id, before, file string }

// newTokenRevoke appends to the file of revoked tokens.
func newTokenRevoke(p *program) *cobra.Command {
	var r revocation
	c := &cobra.Command{Use: "revoke", Short: "Take tokens back before they end", Args: arguments(cobra.NoArgs),
		Long: `Appends a line to the file that nodes and front-ends have as --revoked-file, and makes it when
it is not there. They read it again within a second: then the tokens of the user that were issued
before the time, or the one token with the id (its claim jti), are answered 401 token-revoked, and
the event streams and long polls that were opened with them end.

Each process has its own copy: bring the file to all of them.`,
		Example: "  onsale token revoke --user alice --revoked-file revoked\n" +
			"  onsale token revoke --user sella --before 2026-12-01T20:00:00Z --revoked-file revoked",
		RunE: func(*cobra.Command, []string) error {
			line, err := r.line(time.Now())
			if err != nil {
				return err
			}
			if err := appendRevocation(r.file, line); err != nil {
				return err
			}
			_, err = fmt.Fprint(p.out, "revoked: ", line)
			return err
		}}
	c.Flags().StringVar(&r.user, "user", "", "whose tokens")
	c.Flags().StringVar(&r.id, "id", "", "one token's id (jti), instead of a user")
	c.Flags().StringVar(&r.before, "before", "", "time before which the user's tokens were issued, such as 2026-12-01T20:00:00Z; now by default")
	c.Flags().StringVar(&r.file, "revoked-file", envOr("ONSALE_REVOKED_FILE", ""), "file to append to")
	return c
}

// line returns what is to be appended.
func (r *revocation) line(now time.Time) (string, error) {
	switch {
	case r.file == "":
		return "", fmt.Errorf("%w: say with --revoked-file which file the nodes and front-ends have", errUsage)
	case (r.user == "") == (r.id == ""):
		return "", fmt.Errorf("%w: say either --user or --id", errUsage)
	case r.id != "" && r.before != "":
		return "", fmt.Errorf("%w: --before is for a --user", errUsage)
	}
	before := now
	if r.before != "" {
		var err error
		if before, err = time.Parse(time.RFC3339, r.before); err != nil {
			return "", fmt.Errorf("%w: --before is %q, expected is a time such as 2026-12-01T20:00:00Z", errUsage, r.before)
		}
	}
	line, err := auth.TokenLine(r.id)
	if r.user != "" {
		line, err = auth.UserLine(r.user, before)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", errUsage, err)
	}
	return line, nil
}

// appendRevocation appends a line to a file that does, in one write, so that whoever reads it
// meanwhile reads all of it.
func appendRevocation(path, line string) error {
	content, err := watched.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := auth.ParseRevocations(content); err != nil {
		return fmt.Errorf("%s: %w; mend it first: processes that have this file take nothing of it", path, err)
	}
	if len(content) > 0 && content[len(content)-1] != '\n' {
		line = "\n" + line
	}
	if len(content)+len(line) > watched.BytesMax {
		return fmt.Errorf("%s would have more than %d bytes: take the lines out whose tokens have ended", path, watched.BytesMax)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Sync(), f.Close())
}
