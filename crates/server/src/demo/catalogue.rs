//! The models, and the customers with their inputs.

use prediction_domain::model::{OrganisationId, OutputId, SourceVersion};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{
    ImportDraft, InputDraft, InputRoleDraft, LifecycleChangeDraft, OrganisationDraft, OutputRoleDraft, Precondition,
    Sent, SourceDraft, SourceVersionDraft,
};
use prediction_domain::use_cases::{
    UseCaseError, change_lifecycle, create_source, import_inputs, name_organisation, publish_source_version,
};

use super::{History, OPERATORS, SCIENTIST, given, person};

/// The customers, by the last digits of their ids.
pub(super) const CUSTOMERS: [&str; 5] =
    ["Nordwind Gardens", "Ferme des Trois Chênes", "Hof Sonnenschein", "مزرعة النخيل", "Lakeside Orchards"];

/// Once a day, in minutes.
const DAILY: i128 = 24 * 60;
/// Sixty days, in hours.
const KEPT: i128 = 60 * 24;

/// The versions that jobs run.
pub(super) struct Catalogue {
    pub(super) mildew: SourceVersion,
    /// The next one of the same model, once it is published.
    pub(super) next_mildew: Option<SourceVersion>,
    pub(super) frost: SourceVersion,
    pub(super) harvest: SourceVersion,
}

impl History {
    /// Publishes the models, and registers what the customers measure. The models have names of their own: what the
    /// README and the greeting have a newcomer create is not there already.
    pub(super) fn publish(&self) -> Result<Catalogue, UseCaseError> {
        for customer in 0..CUSTOMERS.len() {
            self.register(customer)?;
        }
        let temperature = || input("temperature", "sensor", "air_temperature", "°C", true);
        let mildew = self.source("mildew-risk", "The risk of mildew, from the air temperature", Some(DAILY))?;
        let mildew = self.version(&mildew, "1.0.0", vec![temperature()], risk())?;
        let frost = self.source("frost-risk", "How likely frost is in the next night", None)?;
        let dew_point = input("dew_point", "sensor", "dew_point", "°C", false);
        let output = output("frost", "frost_probability", "%");
        let frost = self.version(&frost, "1.4.2", vec![temperature(), dew_point], vec![output])?;
        let harvest = self.source("yield", "What a field will yield, from its risk of mildew", Some(DAILY))?;
        let roles = vec![
            input("risk", "output", "mildew_risk", "%", true),
            input("area", "register", "field_area", "har", true),
        ];
        let harvest = self.version(&harvest, "0.9.0", roles, vec![self::output("yield", "yield", "t")])?;
        Ok(Catalogue { mildew, next_mildew: None, frost, harvest })
    }

    /// The next version of the model of mildew takes the humidity, too.
    pub(super) fn publish_next(&self, catalogue: &mut Catalogue) -> Result<(), UseCaseError> {
        let roles = vec![
            input("temperature", "sensor", "air_temperature", "°C", true),
            input("humidity", "sensor", "humidity", "%", false),
        ];
        let source = catalogue.mildew.source_id.to_string();
        catalogue.next_mildew = Some(self.version(&source, "2.0.0", roles, risk())?);
        Ok(())
    }

    /// The first version goes out of use.
    pub(super) fn deprecate(&self, catalogue: &Catalogue) -> Result<(), UseCaseError> {
        let draft = LifecycleChangeDraft {
            stage: given("deprecated"),
            reason: given("2.0.0 takes the humidity into account: about a fifth fewer false alarms."),
            replaced_by: catalogue.next_mildew.as_ref().map_or(Sent::Absent, |next| given(next.id.to_string())),
            ..LifecycleChangeDraft::default()
        };
        let (by, any) = (person(SCIENTIST), Precondition::None);
        change_lifecycle(&self.ports, &by, catalogue.mildew.id, &draft.into(), &any, WriteMode::Commit).map(drop)
    }

    fn source(&self, name: &str, about: &str, interval: Option<i128>) -> Result<String, UseCaseError> {
        let draft = SourceDraft {
            name: given(name),
            description: given(about),
            expected_interval_minutes: interval.map_or(Sent::Null, Sent::Given),
            retention_hours: Sent::Given(KEPT),
            ..SourceDraft::default()
        };
        let (source, _) = create_source(&self.ports, &person(SCIENTIST), &draft.into(), WriteMode::Commit)?;
        Ok(source.id.to_string())
    }

    fn version(
        &self,
        source_id: &str,
        label: &str,
        inputs: Vec<Sent<InputRoleDraft>>,
        outputs: Vec<Sent<OutputRoleDraft>>,
    ) -> Result<SourceVersion, UseCaseError> {
        let draft = SourceVersionDraft {
            source_id: given(source_id),
            version: given(label),
            input_roles: Sent::Given(inputs),
            output_roles: Sent::Given(outputs),
            ..SourceVersionDraft::default()
        };
        let by = person(SCIENTIST);
        publish_source_version(&self.ports, &by, &draft.into(), WriteMode::Commit).map(|(version, _)| version)
    }

    fn register(&self, customer: usize) -> Result<(), UseCaseError> {
        let by = person(OPERATORS[0]);
        let organisation = OrganisationDraft { name: given(CUSTOMERS[customer]), ..OrganisationDraft::default() };
        let id = organisation_of(customer);
        name_organisation(&self.ports, &by, id, &organisation.into(), WriteMode::Commit)?;
        let inputs = INPUTS.iter().enumerate().map(|(number, (name, kind, metric, unit))| {
            Sent::Given(InputDraft {
                id: given(input_of(customer, number)),
                organisation_id: given(id.to_string()),
                kind: given(*kind),
                name: given(*name),
                metric: given(*metric),
                unit: given(*unit),
                revision: Sent::Absent,
            })
        });
        let items = ImportDraft { items: Sent::Given(inputs.collect()) };
        import_inputs(&self.ports, &by, &items.into(), WriteMode::Commit).map(drop)
    }
}

/// What each customer measures. One of the stations is an American one.
const INPUTS: [(&str, &str, &str, &str); 5] = [
    ("Weather station north", "sensor", "air_temperature", "°C"),
    ("Weather station south", "sensor", "air_temperature", "[degF]"),
    ("Dew point, lower field", "sensor", "dew_point", "°C"),
    ("Humidity, greenhouse", "sensor", "humidity", "%"),
    ("Area of the lower field", "register", "field_area", "har"),
];
/// Their places in that list.
pub(super) const NORTH: usize = 0;
pub(super) const SOUTH: usize = 1;
pub(super) const DEW_POINT: usize = 2;
pub(super) const AREA: usize = 4;

/// Ids that are the same in every demo, so that links of one lead somewhere in the next.
pub(super) fn organisation_of(customer: usize) -> OrganisationId {
    let text = format!("0de00000-0000-4000-8000-{:012x}", customer + 1);
    OrganisationId::parse(&text).unwrap_or_else(|_| unreachable!("it is a UUID"))
}

pub(super) fn input_of(customer: usize, number: usize) -> String {
    format!("0de00000-0000-4000-9000-{:012x}", (customer + 1) * 16 + number)
}

/// The kind of an output of another job, where it is bound.
pub(super) fn of_output(id: OutputId) -> (String, &'static str) {
    (id.to_string(), "output")
}

fn risk() -> Vec<Sent<OutputRoleDraft>> {
    vec![output("risk", "mildew_risk", "%"), output("spread", "mildew_risk", "%")]
}

fn input(role: &str, kind: &str, metric: &str, unit: &str, required: bool) -> Sent<InputRoleDraft> {
    Sent::Given(InputRoleDraft {
        role: given(role),
        input_kind: given(kind),
        metric: given(metric),
        unit: given(unit),
        required: Sent::Given(required),
        ..InputRoleDraft::default()
    })
}

fn output(role: &str, metric: &str, unit: &str) -> Sent<OutputRoleDraft> {
    let (role, metric, unit) = (given(role), given(metric), given(unit));
    Sent::Given(OutputRoleDraft { role, metric, unit, ..OutputRoleDraft::default() })
}
