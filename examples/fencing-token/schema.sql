CREATE TABLE report (
  id    integer PRIMARY KEY,
  body  text   NOT NULL,
  -- Of the last writer. Zxids are 64-bit integers.
  token bigint NOT NULL
);
INSERT INTO report VALUES (1, 'nothing yet', 0);
