//! What must hold whatever happens, in whatever order.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::draw::draw;
use super::event::{Effect, Event, Outcome, PreviewUpdate, Update};
use super::row::{Kind, Row, RowId, Source, Urgency};
use super::view::testing::{NOW, drawn, frame, row};
use super::view::{View, actions};

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Here),
        Just(Source::Unwrapped),
        Just(Source::Jobs),
        "box|shed".prop_map(Source::Machine),
    ]
}

fn a_row(source: Source) -> impl Strategy<Value = Row> {
    let urgency =
        prop_oneof![Just(Urgency::NeedsYou), Just(Urgency::Busy), Just(Urgency::Idle), Just(Urgency::Gone),];
    ("[a-d]|日本\u{1b}", urgency, any::<Option<u64>>(), any::<bool>()).prop_map(
        move |(name, urgency, active_at, has_hint)| Row {
            id: RowId { source: source.clone(), id: format!("id-{name}") },
            kind: match source {
                Source::Unwrapped => Kind::Unwrapped,
                Source::Jobs => Kind::Job,
                Source::Here | Source::Machine(_) => Kind::Session,
            },
            active_at,
            started_at: active_at,
            hint: has_hint.then(|| "it waits for you: cckw continue".repeat(4)),
            title: has_hint.then(|| "日本\u{202e}".repeat(30)),
            ..row(&name, urgency)
        },
    )
}

fn update() -> impl Strategy<Value = Event> {
    let rows = source().prop_flat_map(|source| {
        let rows = proptest::collection::vec(a_row(source.clone()), 0..6);
        rows.prop_map(move |rows| Event::Update(Update::Rows(source.clone(), rows)))
    });
    let trouble = source().prop_map(|source| Event::Update(Update::Trouble(source, "lost\u{7}".into())));
    prop_oneof![4 => rows, 1 => trouble]
}

fn a_key() -> impl Strategy<Value = Event> {
    let code = prop_oneof![
        6 => proptest::char::range(' ', '~').prop_map(KeyCode::Char),
        1 => proptest::char::any().prop_map(KeyCode::Char),
        6 => proptest::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Up, KeyCode::Down, KeyCode::Left,
            KeyCode::Right, KeyCode::Home, KeyCode::End, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Backspace,
            KeyCode::Delete,
        ]),
    ];
    let modifiers = prop_oneof![
        6 => Just(KeyModifiers::NONE),
        1 => Just(KeyModifiers::CONTROL),
        1 => Just(KeyModifiers::ALT),
    ];
    (code, modifiers).prop_map(|(code, modifiers)| Event::Key(KeyEvent::new(code, modifiers)))
}

fn mouse() -> impl Strategy<Value = Event> {
    let kind = proptest::sample::select(vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
    ]);
    (kind, 0u16..100, 0u16..40).prop_map(|(kind, column, row)| {
        Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
    })
}

fn an_event() -> impl Strategy<Value = Event> {
    let outcome = (any::<bool>(), "[a-d]").prop_map(|(is_done, name)| {
        Event::Finished(Outcome {
            label: format!("sending to {name}"),
            is_done,
            text: "said".into(),
            select: Some(name),
        })
    });
    let preview = (source(), "[a-d]", any::<bool>()).prop_map(|(source, name, is_frame)| {
        let id = RowId { source, id: format!("id-{name}") };
        let update =
            if is_frame { frame(5, 20, &["日本", "b"]) } else { PreviewUpdate::Nothing("no".into()) };
        Event::Preview(id, update)
    });
    prop_oneof![
        20 => a_key(),
        6 => update(),
        3 => mouse(),
        2 => (0u16..120, 0u16..40).prop_map(|(columns, rows)| Event::Resized { columns, rows }),
        2 => preview,
        1 => outcome,
        1 => "[a\n日\u{1b}]{0,9}".prop_map(Event::Paste),
        1 => "[a\n\t日]{0,200}".prop_map(Event::PagerText),
        1 => any::<bool>().prop_map(|failed| Event::PagerEnd(failed.then(|| "why".into()))),
        1 => proptest::collection::vec("[~/ab]{0,4}", 0..9).prop_map(Event::Directories),
        1 => Just(Event::Minute),
    ]
}

/// Whether what is to be done is about a row that is there.
fn is_possible(view: &View, effect: &Effect) -> bool {
    let names_a_row = |words: &[String]| view.list().all().any(|row| words.contains(&row.id.word()));
    match effect {
        Effect::Attach { id, .. } | Effect::Preview(Some(id)) => view.list().find(id).is_some(),
        Effect::Run(verb) if verb.words[0] == "new" => true,
        Effect::Run(verb) | Effect::OpenPager(verb) => names_a_row(&verb.words),
        Effect::Preview(None)
        | Effect::ClosePager
        | Effect::Complete(_)
        | Effect::Refresh
        | Effect::ShowAll(_)
        | Effect::Redraw
        | Effect::Suspend
        | Effect::Quit => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn events_in_any_order_leave_the_view_whole(events in proptest::collection::vec(an_event(), 0..60)) {
        let mut view = View::new((80, 24), NOW).in_directory("~/src".into(), Some("/home/you".into()));
        let mut followed = None;
        for (at, event) in events.into_iter().enumerate() {
            let effects = view.handle(NOW + at as u64 * 100, event.clone());
            for effect in &effects {
                prop_assert!(is_possible(&view, effect), "{effect:?} after {event:?}");
                if let Effect::Preview(id) = effect {
                    followed.clone_from(id);
                }
            }
            prop_assert_eq!(&followed, &view.preview().of().cloned(), "what is followed is known outside");
            let list = view.list();
            let is_in_sight = list.height == 0 || (list.top..list.top + list.height).contains(&list.at());
            prop_assert!(list.shown().is_empty() || list.selected().is_some() && is_in_sight, "{event:?}");
            if let Some(followed) = &followed {
                let selected = list.selected().filter(|row| actions::has_screen(row));
                prop_assert_eq!(Some(followed), selected.map(|row| &row.id), "it has a screen");
            }
            prop_assert!(view.next_minute().is_none_or(|next| next > NOW));
            if at % 4 == 0 {
                drawn(&view, draw);
            }
        }
        drawn(&view, draw);
    }
}
