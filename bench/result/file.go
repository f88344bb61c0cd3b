package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrDocument is returned when a file is no document of this version, or one that
// says something impossible.
var ErrDocument = errors.New("not a result of the suite")

// Read reads a document and checks it.
func Read(r io.Reader) (*Document, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var format struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &format); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if format.Version != Version {
		return nil, fmt.Errorf("%w: it is of version %d, this program reads %d", ErrDocument, format.Version, Version)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var d Document
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if decoder.More() {
		return nil, fmt.Errorf("%w: something follows it", ErrDocument)
	}
	return &d, d.Validate()
}

// ReadFile reads a document's file.
func ReadFile(path string) (*Document, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	d, err := Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// Validate returns ErrDocument when a document has no profile, a step or figure twice,
// a figure that is not defined, or an impossible curve.
func (d *Document) Validate() error {
	if d.Profile == "" {
		return fmt.Errorf("%w: it has no profile", ErrDocument)
	}
	steps, figures := map[string]bool{}, map[string]bool{}
	for i := range d.Steps {
		s := &d.Steps[i]
		if s.ID == "" || steps[s.ID] {
			return fmt.Errorf("%w: step %q is there twice or has no name", ErrDocument, s.ID)
		}
		steps[s.ID] = true
		if err := s.validate(figures); err != nil {
			return fmt.Errorf("%w: step %s: %w", ErrDocument, s.ID, err)
		}
	}
	return nil
}

func (s *Step) validate(figures map[string]bool) error {
	if s.Status != StatusDone && s.Status != StatusFailed && s.Status != StatusTimeout {
		return fmt.Errorf("its status is %q", s.Status)
	}
	for i := range s.Figures {
		f := &s.Figures[i]
		if _, known := Define(f.ID); !known || figures[f.ID] {
			return fmt.Errorf("figure %q is not defined or there twice", f.ID)
		}
		figures[f.ID] = true
	}
	for _, curve := range s.Curves {
		if err := curve.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Write writes a document in the form in which it is kept.
func (d *Document) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(d)
}

// WriteFile writes a document's file, whole or not at all.
func (d *Document) WriteFile(path string) error {
	var data bytes.Buffer
	if err := d.Write(&data); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // results are for everybody
		return err
	}
	return Replace(path, data.Bytes())
}

// Replace puts new content in a file's place: a reader sees the old or the new.
func Replace(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Chmod(0o644), file.Close()) //nolint:gosec // results are for everybody
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
