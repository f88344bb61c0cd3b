package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// acceptMax is within what an operator's word about an account must be taken, whoever dies.
	acceptMax = 2 * time.Minute
	// accountPrefix is before a sandbox' account in the words of the log.
	accountPrefix = "sandbox/test/"
)

// accountIn returns whose account the books in a folder are: their first line says it.
func accountIn(folder string) (string, error) {
	file, err := os.Open(filepath.Join(folder, booksName))
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read
	line, err := bufio.NewReader(file).ReadBytes('\n')
	var first struct {
		Account string `json:"account"`
	}
	if err = errors.Join(err, json.Unmarshal(line, &first)); err == nil && first.Account == "" {
		err = fmt.Errorf("%s: the books have no account", folder)
	}
	return accountPrefix + first.Account, err
}

// accept says as an operator that charges are made under the account of the books in a folder,
// until it is taken.
func (s *stage) accept(ctx context.Context, folder string) (err error) {
	for end := time.Now().Add(acceptMax); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, 500*time.Millisecond) {
		account, failed := accountIn(folder) // the provider may have just begun its books
		at := s.leader(ctx)
		if err = failed; err != nil || at == nil {
			continue
		}
		if _, err = s.command(ctx, at, "payments", "accept-account", account, "--reason", "drill"); err == nil {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("the account in %s was not accepted within %v", folder, acceptMax), err, ctx.Err())
}
