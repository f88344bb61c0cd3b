package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"onsale/api/client"
	"onsale/internal/plain"
	"onsale/internal/secretfile"
	"onsale/internal/ticket"
)

func newTicket(p *program) *cobra.Command {
	return group("ticket", "Sign tickets, and check them at the entrance without a network",
		newTicketKey(p), newTicketKeys(p), newTicketExport(p), newTicketRevocations(p), newTicketVerify(p))
}

// newTicketKey makes what nodes sign with.
func newTicketKey(p *program) *cobra.Command {
	return &cobra.Command{Use: "key FILE", Short: "Make a key that tickets are signed with", Args: arguments(cobra.ExactArgs(1)),
		Long: `Makes a file with a random key that only you can read, for --ticket-key-file: give the same
to every node, and to no front-end. One that is there is not changed, and an error.

To change the key, make another one, put its line before the old one's in the file of every
node, and send them SIGHUP: from then on the new one signs, and both are told to who fetches the
keys again. Let all entrances do that before the first node signs with it, or within a pause of
sales. Take the old line out when no ticket of it is to be shown any more.`,
		Example: "  onsale ticket key ticket-key\n  onsale serve --ticket-key-file ticket-key",
		RunE: func(_ *cobra.Command, args []string) error {
			if isThere(args[0]) {
				return fmt.Errorf("%s: %w", args[0], fs.ErrExist)
			}
			if err := secretfile.Make(args[0]); err != nil {
				return err
			}
			fmt.Fprintln(p.out, "made", args[0])
			return nil
		}}
}

func newTicketKeys(p *program) *cobra.Command {
	var address string
	c := &cobra.Command{Use: "keys", Short: "Fetch what tickets are checked with", Args: arguments(cobra.NoArgs),
		Long: `Prints the public keys of the tickets as JSON, for a file that the entrance takes along. It
needs no token. Fetch them again after a restore, and when a key was added.`,
		Example: "  onsale ticket keys > keys.json",
		RunE: func(c *cobra.Command, _ []string) error {
			buyer, err := client.New(client.Config{Address: address})
			if err != nil {
				return err
			}
			keys, err := buyer.TicketKeys(c.Context())
			if err != nil {
				return err
			}
			return p.writeJSON(keys)
		}}
	c.Flags().StringVar(&address, "http", envOr("ONSALE_HTTP", "127.0.0.1:8101"), "buyers' listener of any node or front-end")
	return c
}

func newTicketRevocations(p *program) *cobra.Command {
	var d desk
	var sale string
	c := &cobra.Command{Use: "revocations", Short: "Fetch which tickets of a sale are not valid any more", Args: arguments(cobra.NoArgs),
		Long: `Prints the numbers of the tickets of a sale that were refunded as JSON, for a file that the
entrance takes along. The file says as of when it is: fetch it as late as you can.`,
		Example: "  onsale ticket revocations --sale arena > revoked.json",
		RunE: func(c *cobra.Command, _ []string) error {
			seller, err := d.open()
			if err != nil {
				return err
			}
			revoked, err := seller.AllRevoked(c.Context(), sale)
			if err != nil {
				return err
			}
			return p.writeJSON(revoked)
		}}
	d.flags(c.Flags())
	c.Flags().StringVar(&sale, "sale", "", "the sale")
	_ = c.MarkFlagRequired("sale") // the flag is declared above
	return c
}

// writeJSON prints a document for a program.
func (p *program) writeJSON(value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%s\n", data)
	return err
}

func newTicketVerify(p *program) *cobra.Command {
	var keys, revoked string
	c := &cobra.Command{Use: "verify CODE|-", Short: "Check a ticket, without a network", Args: arguments(cobra.ExactArgs(1)),
		Long: `Says whether a ticket's code is genuine and valid, by what onsale ticket keys and onsale
ticket revocations have fetched: nothing is asked over a network. With - it checks each line of
its input, as a scanner types them, and answers each at once; empty lines are left out.

It does not know who came in already: let the entrance note the numbers that it prints.

Exit codes: 0 genuine and valid, 3 genuine and not valid (refunded, lost in a restore, or of another
sale), 7 not genuine; of several the highest.`,
		Example: "  onsale ticket verify \"$CODE\" --keys keys.json --revoked revoked.json\n  onsale ticket verify - --keys keys.json --revoked revoked.json < scanner",
		RunE: func(c *cobra.Command, args []string) error {
			v, err := openVerifier(keys, revoked)
			if err != nil {
				return err
			}
			if args[0] != "-" {
				return p.verify(v, args[0])
			}
			return p.verifyAll(v, c.InOrStdin())
		}}
	c.Flags().StringVar(&keys, "keys", "", "file of onsale ticket keys")
	c.Flags().StringVar(&revoked, "revoked", "", "file of onsale ticket revocations")
	_ = c.MarkFlagRequired("keys")    // the flags are declared above
	_ = c.MarkFlagRequired("revoked") // the same
	return c
}

// openVerifier reads both files.
func openVerifier(keysFile, revokedFile string) (*ticket.Verifier, error) {
	var keys ticket.Keys
	var revoked ticket.Revoked
	if err := readJSON(keysFile, &keys); err != nil {
		return nil, fmt.Errorf("--keys: %w", err)
	}
	if err := readJSON(revokedFile, &revoked); err != nil {
		return nil, fmt.Errorf("--revoked: %w", err)
	}
	return ticket.NewVerifier(&keys, &revoked)
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ticket.ErrFile, path, err)
	}
	return nil
}

// verify says what a code is.
func (p *program) verify(v *ticket.Verifier, code string) error {
	is, err := v.Verify(strings.TrimSpace(code))
	if err == nil {
		fmt.Fprintf(p.out, "valid: ticket %d\n", is.Number)
	}
	return err
}

// codeLineBytesMax bounds a line of a scanner.
const codeLineBytesMax = 4096

// verifyAll answers each line, and returns the error of the worst.
func (p *program) verifyAll(v *ticket.Verifier, in io.Reader) (worst error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, codeLineBytesMax), codeLineBytesMax)
	bad := 0
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		err := p.verify(v, lines.Text())
		if err == nil {
			continue
		}
		bad++
		fmt.Fprintf(p.out, "NOT VALID: %s\n", plain.Line(err.Error()))
		if exitCode(err) > exitCode(worst) {
			worst = err
		}
	}
	if worst != nil {
		worst = fmt.Errorf("not valid: %d, such as: %w", bad, worst)
	}
	return errors.Join(lines.Err(), worst)
}
