-- Words of handles and names. This is SQLite's own full-text search; another database would have another table here.

-- By account id: where each word is, and not the texts themselves. Marks (M*) are parts of words, as many scripts write
-- their vowels so. Beginnings of up to four characters, which many words share, have lists of their own.
CREATE VIRTUAL TABLE account_words USING fts5 (
    username,
    name,
    content = '',
    contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* M* Co'",
    prefix = '1 2 3 4'
);

-- Whoever writes an account, and however, writes its words in the same transaction.
CREATE TRIGGER account_words_of_new AFTER INSERT ON accounts BEGIN
    INSERT INTO account_words (rowid, username, name) VALUES (new.id, new.username, new.name);
END;

CREATE TRIGGER account_words_of_changed AFTER UPDATE OF username, name ON accounts BEGIN
    UPDATE account_words SET username = new.username, name = new.name WHERE rowid = new.id;
END;

CREATE TRIGGER account_words_of_gone AFTER DELETE ON accounts BEGIN
    DELETE FROM account_words WHERE rowid = old.id;
END;

INSERT INTO account_words (rowid, username, name) SELECT id, username, name FROM accounts;
