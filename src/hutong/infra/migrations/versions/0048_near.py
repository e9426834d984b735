"""What is near has an index of its own, of words together with the square of 1.7 km in which they stand.

In the index of all marks a common word is a list of the whole city, and a search walks it for each ring around the
reader. The new index follows from the marks by a function, so nothing is written anew. It is built beside the living
city: no lock keeps anybody from reading or writing, and yesterday's code goes on with the index it knows.
"""

from alembic import op

from hutong.infra.migrations.beside import build_beside

revision = "0048_near"
down_revision = "0047_bill_differences"
branch_labels = None
depends_on = None

# The squares of the grid 2 (`hutong.catalog.cells`) before each word and each beginning, and all squares of 3.5 km and
# finer. A document of a long chain would have thousands: its words stand before none, and its squares must be asked, too.
NEAR_MARKS = """
    create or replace function catalog.near_marks(marks tsvector) returns tsvector
    language plpgsql immutable strict parallel safe
    as $$
    declare
        every text[] := tsvector_to_array(marks);
        dot int := strpos(every[1], '.');  -- all lexemes of a document carry the same city
        city text := left(every[1], dot - 1);
        words text[] := '{}';
        cells text[] := '{}';
        made text[] := '{}';
        one text;
        cell text;
    begin
        if cardinality(every) = 0 then
            return marks;
        end if;
        foreach one in array every loop
            case substr(one, dot + 1, 1)
                when '@' then
                    if substr(one, dot + 2, 1) in ('8', '7', '0', '1', '2', '3') then
                        made := made || one;
                    end if;
                    if substr(one, dot + 2, 2) = '2:' then
                        cells := cells || substr(one, dot + 4);
                    end if;
                when '=' then null;
                else words := words || substr(one, dot);
            end case;
        end loop;
        if cardinality(cells) * cardinality(words) > 4000 then
            cells := array[''];
        end if;
        foreach cell in array cells loop
            made := made || array(select city || '~' || cell || word from unnest(words) word);
        end loop;
        return array_to_tsvector(made);
    end
    $$
"""


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute(NEAR_MARKS)
    # What was written last waits in a list that each ring reads from end to end: 4 MB of it made a search ten times slower.
    op.execute("alter index catalog.search_docs_marks_idx set (gin_pending_list_limit = 256)")
    build_beside(
        "catalog.search_docs_near_idx",
        """create index concurrently search_docs_near_idx on catalog.search_docs using gin (catalog.near_marks(marks))
           with (gin_pending_list_limit = 256)""",
        # What ANALYZE could learn of the words of thirty thousand documents is not asked for by any statement.
        "alter index catalog.search_docs_near_idx alter column 1 set statistics 0",
    )


def downgrade() -> None:
    op.execute("drop index catalog.search_docs_near_idx")
    op.execute("drop function catalog.near_marks(tsvector)")
    op.execute("alter index catalog.search_docs_marks_idx reset (gin_pending_list_limit)")
